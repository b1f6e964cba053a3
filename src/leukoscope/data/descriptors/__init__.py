"""Descriptors: what is measured on a cell for classical machine learning, by name and in order.

NumPy is all they need, so the core install answers with a model that was trained on them. Turning a
cell by 90 degrees or mirroring it leaves every one as it is, up to rounding. What is skewed over
cells is given as its logarithm or root.
"""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.chromatin import CHROMATIN, chromatin_descriptors
from leukoscope.data.descriptors.color import COLOR, DENSITY, color_descriptors
from leukoscope.data.descriptors.foreground_crop import Descriptor, crop_foreground
from leukoscope.data.descriptors.glcm import COOCCURRENCE, glcm_descriptors
from leukoscope.data.descriptors.lbp import PATTERNS, local_binary_patterns
from leukoscope.data.descriptors.shape import OUTLINE, SIZE, shape_descriptors
from leukoscope.data.descriptors.texture import TEXTURE, texture_descriptors

__all__ = ["DESCRIPTORS", "GROUPS", "NAMES", "VERSION", "Descriptor", "choose", "describe"]

VERSION = 1
"""Goes up when any value changes: a model answers on the version it was trained on alone."""

GROUPS: dict[str, tuple[Descriptor, ...]] = {
    "size": SIZE,
    "outline": OUTLINE,
    "color": COLOR,
    "density": DENSITY,
    "texture": TEXTURE,
    "cooccurrence": COOCCURRENCE,
    "patterns": PATTERNS,
    "chromatin": CHROMATIN,
}
DESCRIPTORS: tuple[Descriptor, ...] = tuple(one for group in GROUPS.values() for one in group)
NAMES: tuple[str, ...] = tuple(one.name for one in DESCRIPTORS)

_MEASURES = (
    shape_descriptors,
    color_descriptors,
    texture_descriptors,
    glcm_descriptors,
    local_binary_patterns,
    chromatin_descriptors,
)


def describe(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Measure one cell.

    Args:
        image: uint8 RGB `(H, W, 3)` at the original pixel scale.

    Returns:
        float32 `(len(NAMES),)` in the order of `NAMES`, finite; all 0 where no cell of at least 30
        pixels shows.
    """
    cell = crop_foreground(image)
    if cell is None:
        return np.zeros(len(NAMES), np.float32)
    found: dict[str, float] = {}
    for measure in _MEASURES:
        found |= measure(cell)
    return np.array([found[name] for name in NAMES], np.float32)


def choose(leave_out: tuple[str, ...]) -> tuple[str, ...]:
    """The names that remain when some are left out, by name or by group.

    Raises:
        KeyError: No descriptor or group of that name.
    """
    gone: set[str] = set()
    for name in leave_out:
        if name not in GROUPS and name not in NAMES:
            raise KeyError(name)
        gone |= {one.name for one in GROUPS[name]} if name in GROUPS else {name}
    return tuple(name for name in NAMES if name not in gone)
