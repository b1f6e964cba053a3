"""Inputs of an estimator and of its model file: measurements, or for some the image crop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.wording import count as counted
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.models.recipe.recipe import EstimatorRecipe, Recipe
from leukoscope.training.cache import Crops, cached_values, estimate_measuring
from leukoscope.training.calibration.file_outputs import Inputs


class LazyCrops:
    """The crops of some image files, each read when it is asked for.

    Takes the place of an array uint8 (N, S, S, 3) of which only rows are looked up.
    """

    def __init__(self, paths: Sequence[Path], crop: Crop) -> None:
        self.paths, self.crop = paths, crop

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The crops of rows, given as a slice or an array of numbers."""
        numbers = np.arange(len(self))[rows]
        return np.stack([read_cell(self.paths[row], self.crop) for row in numbers])


def crop_of(recipe: Recipe) -> Crop:
    """The part of each image that is given to the model or measured."""
    return Crop(recipe.input.crop, recipe.input.size)


def feature_matrix(
    cohort: Cohort, recipe: EstimatorRecipe, *, jobs: int = 2, note: str = ""
) -> Crops:
    """The measurements an estimator is fitted on, float32 (N, F), from the cache if possible.

    Args:
        cohort: N cells, hashed.
        recipe: The settings.
        jobs: Number of threads.
        note: A line to log if the values are not cached yet.
    """
    crop = crop_of(recipe)
    measured = recipe.classical.measurements(crop)

    def make(content: bytes) -> np.ndarray:
        return measured.measure(read_cell(content, crop))

    cached = cached_values(cohort, measured.key, measured.width, make, jobs=jobs, note=note)
    if measured.columns is None:
        return cached
    return Crops(np.asarray(cached.cells)[:, measured.columns], cached.problems)


def file_inputs(cohort: Cohort, recipe: EstimatorRecipe, values: np.ndarray) -> Inputs:
    """The inputs of the model file, a row per cell: `values`, or the crops."""
    return LazyCrops(cohort.paths, crop_of(recipe)) if recipe.classical.READS_IMAGES else values


def estimate(cells: int, recipe: EstimatorRecipe, jobs: int) -> str:
    """The time that measuring takes, as text."""
    return estimate_measuring(
        cells, jobs, f"{recipe.classical.MEASURED} of {counted(cells, 'cell')}"
    )
