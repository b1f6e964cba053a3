"""What an estimator is given of each cell, and what its file is: the same, or the picture.

`local` is fitted on what its fixed layers make of the picture, and these layers go into the file;
every other estimator is fitted on the descriptors, and its file is given them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.data.cohort import Cohort
from leukoscope.data.descriptors import GROUPS, NAMES
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.models.recipe.estimator_settings import Classical, Local
from leukoscope.models.recipe.recipe import EstimatorRecipe, Recipe
from leukoscope.training.cache import Crops, cached_descriptors, cached_values, estimate_measuring


class LazyCrops:
    """The crops of some image files, each read when it is asked for.

    Takes the place of an array uint8 (N, S, S, 3) where rows are looked up and no more.
    """

    def __init__(self, paths: Sequence[Path], crop: Crop) -> None:
        self.paths, self.crop = paths, crop

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The crops of rows, as NumPy takes them: a slice or an array of numbers."""
        numbers = np.arange(len(self))[rows]
        return np.stack([read_cell(self.paths[row], self.crop) for row in numbers])


Inputs = np.ndarray | LazyCrops


def crop_of(recipe: Recipe) -> Crop:
    """What of each image is measured."""
    return Crop(recipe.input.crop, recipe.input.size)


def feature_matrix(cohort: Cohort, recipe: EstimatorRecipe, *, jobs: int = 2) -> Crops:
    """What is fitted on, float32 (N, F), from the cache where it has it.

    Args:
        cohort: N cells, hashed.
        recipe: The settings.
        jobs: Threads.
    """
    settings, crop = recipe.classical, crop_of(recipe)
    if isinstance(settings, Local):
        return _local_values(cohort, settings, crop, jobs)
    found = cached_descriptors(cohort, crop, jobs=jobs)
    columns = [NAMES.index(name) for name in settings.descriptors()]
    return Crops(np.asarray(found.cells)[:, columns], found.problems)


def file_inputs(cohort: Cohort, recipe: EstimatorRecipe, values: np.ndarray) -> Inputs:
    """What the model file is given, a row per cell: `values`, or the pictures."""
    if isinstance(recipe.classical, Local):
        return LazyCrops(cohort.paths, crop_of(recipe))
    return values


def estimate(cells: int, recipe: EstimatorRecipe, jobs: int) -> str:
    """What measuring will take where the cache lacks it, in words."""
    settings = recipe.classical
    if isinstance(settings, Local):
        return estimate_measuring(cells, jobs, f"the local structure of {cells:,} cells")
    return estimate_measuring(cells, jobs)


def groups_of(settings: Classical) -> Mapping[str, list[int]]:
    """The columns of `feature_matrix` by what they tell; groups without any are left out."""
    if isinstance(settings, Local):
        features = 2 * settings.frequencies
        return {"local structure": list(range(features)), "size": [features + _area()]}
    names = settings.descriptors()
    groups = {
        group: [names.index(one.name) for one in members if one.name in names]
        for group, members in GROUPS.items()
    }
    return {group: columns for group, columns in groups.items() if columns}


def _area() -> int:
    from leukoscope.models.network.local_features import MEASURES

    return MEASURES - 1  # the logarithm of the area is the last measure


def _local_values(cohort: Cohort, settings: Local, crop: Crop, jobs: int) -> Crops:
    import torch

    from leukoscope.models.network import local_features

    network = local_features.BagOfLocalFeatures(settings.frequencies, settings.gamma).eval()

    def make(path: str) -> np.ndarray:
        cell = torch.from_numpy(read_cell(path, crop))
        with torch.inference_mode():
            return np.asarray(network.values(cell[None])[0].numpy())

    key = ("local", local_features.VERSION, crop, settings.frequencies, settings.gamma)
    width = 2 * settings.frequencies + local_features.MEASURES
    return cached_values(cohort, key, width, make, jobs=jobs)
