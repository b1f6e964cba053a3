"""Descriptors: measurements of a cell for classical machine learning, by name and in fixed order.

They need NumPy only, so the core install can predict with a model that was trained on them. They
are invariant under quarter turns and mirroring of the cell, up to rounding. Quantities with a
skewed distribution over cells are given as logarithm or root.
"""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.chromatin import CHROMATIN, chromatin_descriptors
from leukoscope.data.descriptors.color import COLOR, DENSITY, color_descriptors
from leukoscope.data.descriptors.foreground_crop import Descriptor, crop_foreground
from leukoscope.data.descriptors.glcm import GLCM, glcm_descriptors
from leukoscope.data.descriptors.lbp import LBP, lbp_descriptors
from leukoscope.data.descriptors.shape import OUTLINE, SIZE, shape_descriptors
from leukoscope.data.descriptors.texture import TEXTURE, texture_descriptors

__all__ = ["DESCRIPTORS", "GROUPS", "NAMES", "VERSION", "Descriptor", "choose", "describe"]

VERSION = 1
"""Raised when any value, name or the order changes: a model predicts only on its own version."""

GROUPS: dict[str, tuple[Descriptor, ...]] = {
    "size": SIZE,
    "outline": OUTLINE,
    "color": COLOR,
    "density": DENSITY,
    "texture": TEXTURE,
    "cooccurrence": GLCM,
    "patterns": LBP,
    "chromatin": CHROMATIN,
}
DESCRIPTORS: tuple[Descriptor, ...] = tuple(member for group in GROUPS.values() for member in group)
NAMES: tuple[str, ...] = tuple(descriptor.name for descriptor in DESCRIPTORS)

_MEASURES = (
    shape_descriptors,
    color_descriptors,
    texture_descriptors,
    glcm_descriptors,
    lbp_descriptors,
    chromatin_descriptors,
)


def describe(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute all descriptors of one cell.

    Args:
        image: uint8 RGB `(H, W, 3)` at the original pixel scale.

    Returns:
        float32 `(len(NAMES),)` in the order of `NAMES`, finite; all 0 without a cell of at least
        30 pixels.
    """
    cell = crop_foreground(image)
    if cell is None:
        return np.zeros(len(NAMES), np.float32)
    values: dict[str, float] = {}
    for measure in _MEASURES:
        values |= measure(cell)
    return np.array([values[name] for name in NAMES], np.float32)


def names_without(leave_out: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the descriptors without some, given by name or by group.

    Raises:
        KeyError: There is no descriptor or group of that name.
    """
    removed: set[str] = set()
    for name in leave_out:
        if name not in GROUPS and name not in NAMES:
            raise KeyError(name)
        removed |= {member.name for member in GROUPS[name]} if name in GROUPS else {name}
    return tuple(name for name in NAMES if name not in removed)
