"""A map for a model that has none of its own: cover each patch of a cell, see what it changes.

Source: M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
section 4.2. They cover with plain gray. Here a patch is smoothed, within the cell's outline, for
two reasons: the size stays (see `leukoscope.data.imaging.perturb`), and the edge of a plain patch
is itself structure, which may move a model of texture descriptors more than what was covered.

The map is approximate: what two patches do together shows in neither, a patch that only repeats
what others say changes nothing, and what a model reads from size, outline or coarse shading is in
no patch. It works for any model file, since it asks only for logits.
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
    "exact": "exact: what each place adds; its mean and the bias are the logit",
    "occlusion": "occlusion map, approximate: what smoothing each part of the cell changes",
}
BATCH = 8


def occlusion_map(model: ModelFile, cell: np.ndarray, most: int = MOST_PATCHES) -> np.ndarray:
    """How much each patch of a cell speaks for ALL.

    Costs one answer of the model for each patch on the cell and one more, so at most `most` + 1;
    a usual cell has about 60.

    Args:
        model: Any model file.
        cell: uint8 (S, S, 3), the crop that the model is given.
        most: Patches on the cell at most.

    Returns:
        float32 (G, G) over the whole crop: the logit of the cell less that with the patch covered,
        positive where the patch speaks for ALL, 0 beside the cell. Times G * G, so that, as in a
        class activation map, the mean is a logit: for a model that adds up its patches, that of
        the cell less that of the smoothed cell.

    Raises:
        ModelFileError: The network fails to run.
    """
    crop = model.card.input.crop
    patches = cut_into_patches(cell, crop, most)
    values = np.zeros(patches.grid**2, np.float32)
    if len(patches.on_cell):
        filling = blurred_baseline(cell, crop)
        covered = (perturb(cell, filling, patches, patch) for patch in patches.on_cell)
        whole, *parts = _logits(model, chain([cell], covered))
        values[patches.on_cell] = np.nan_to_num(whole - np.array(parts))
    return values.reshape(patches.grid, patches.grid) * patches.grid**2


def _logits(model: ModelFile, cells: Iterator[np.ndarray]) -> list[float]:
    logits: list[float] = []
    while some := list(islice(cells, BATCH)):
        logits += model.run(np.stack(some)).logit.tolist()
    return logits
