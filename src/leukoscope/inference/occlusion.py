"""Occlusion maps: approximate heatmaps for models without an exact one.

Each patch of a cell is occluded in turn, and its value is the change of the logit. Source: M. D.
Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2.
They occlude with plain gray. Here a patch is smoothed, within the cell's outline, for two reasons:
the size stays (see `leukoscope.data.imaging.perturb`), and the edge of a plain patch is itself
structure, which may change a model of texture descriptors more than what was occluded.

The map is approximate: the joint effect of two patches shows in neither, a patch with redundant
information has no effect, and the effect of size, outline or coarse shading is in no patch. It
works for any model file, since it needs logits only.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Literal

import numpy as np

from leukoscope.data.imaging.perturb import (
    MOST_PATCHES,
    blurred_baseline,
    cut_into_patches,
    perturb,
)
from leukoscope.inference.model_file.model_file import ModelFile

Kind = Literal["exact", "occlusion"]
KINDS: dict[Kind, str] = {
    "exact": "exact: the contribution of each position; its mean plus the bias is the logit",
    "occlusion": "occlusion map, approximate: the effect of smoothing each part of the cell",
}
BATCH = 8


def occlusion_map(model: ModelFile, cell: np.ndarray, most: int = MOST_PATCHES) -> np.ndarray:
    """Compute the occlusion map of a cell.

    It takes one prediction for each patch on the cell and one more, at most `most` + 1; a typical
    cell has about 60 patches.

    Args:
        model: Any model file.
        cell: The crop that the model receives, uint8 (S, S, 3).
        most: Largest number of patches on the cell.

    Returns:
        float32 (G, G) over the whole crop: the logit of the cell less the logit with the patch
        smoothed, positive for evidence for ALL, 0 beside the cell. The values are
        multiplied by G * G, so that their mean is a logit, as in a class activation map: for a
        model that sums over patches, the logit of the cell less that of the smoothed cell.

    Raises:
        ModelFileError: The network fails to run.
    """
    crop = model.card.input.crop
    patches = cut_into_patches(cell, crop, most)
    values = np.zeros(patches.grid**2, np.float32)
    if len(patches.on_cell):
        baseline = blurred_baseline(cell, crop)
        occluded = (perturb(cell, baseline, patches, patch) for patch in patches.on_cell)
        logit, *without = _logits(model, chain([cell], occluded))
        values[patches.on_cell] = np.nan_to_num(logit - np.array(without))
    return values.reshape(patches.grid, patches.grid) * patches.grid**2


def _logits(model: ModelFile, cells: Iterator[np.ndarray]) -> list[float]:
    logits: list[float] = []
    while batch := list(islice(cells, BATCH)):
        logits += model.run(np.stack(batch)).logit.tolist()
    return logits
