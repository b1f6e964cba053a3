"""A cell cut out of its image, with what several descriptors need of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.radial_profile import center_of, radii
from leukoscope.data.descriptors.scales import smoothed
from leukoscope.data.imaging.foreground import bounding_box, bright_mask, interior, nonblack_mask
from leukoscope.data.imaging.shape import fill_holes, find_runs, label_runs

Floats = NDArray[np.float32]

SMALLEST = 30
"""Pixels a cell has at least; of fewer there is nothing to describe."""
SCALES = 5
"""How often a cell is smoothed, each time twice as wide."""


@dataclass(frozen=True)
class Descriptor:
    """One number of a cell.

    Attributes:
        name: Unique among all.
        unit: Of the value, "1" for a pure number.
        meaning: In words.
        source: Where the measure was published; "" for what needs no source.
    """

    name: str
    unit: str
    meaning: str
    source: str = ""


@dataclass(frozen=True)
class ForegroundCrop:
    """The largest piece of what is not dark, on its bounding box of h x w pixels.

    Attributes:
        color: uint8 (h, w, 3) RGB.
        mask: bool (h, w), the piece, as it is.
        filled: bool (h, w), with its holes filled.
        inside: bool (h, w), more than `RIM` pixels from the outline; all of the mask where that
            leaves too little.
        levels: float32 (1 + `SCALES`, h, w), the optical density, and the same smoothed over more
            and more pixels of the cell. The density is ln(256 / (gray + 1)), gray the mean of the
            three channels: 0 for white, and differences do not depend on the brightness of the
            lamp.
        center: Row and column of the center of mass, holes filled.
        radius: float64 (64,), how far it reaches from there in as many directions, pixels.
    """

    color: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    levels: Floats
    center: tuple[float, float]
    radius: NDArray[np.float64]

    @property
    def density(self) -> Floats:
        """The optical density as it is, float32 (h, w)."""
        return self.levels[0]


def crop_foreground(image: NDArray[np.uint8]) -> ForegroundCrop | None:
    """Find the cell of an image, uint8 (H, W, 3); None where there is none to speak of."""
    box = bounding_box(nonblack_mask(image))
    if box is None:
        return None
    color = image[box]
    mask = _largest(bright_mask(color))
    box = bounding_box(mask)
    if box is None:
        return None
    color, mask = color[box], mask[box]
    gray = color.sum(axis=2, dtype=np.float32) / 3
    density = np.log(256 / (gray + 1))
    filled = fill_holes(mask)
    inside = interior(mask, SMALLEST)
    levels, center = smoothed(density, mask, SCALES), center_of(filled)
    return ForegroundCrop(color, mask, filled, inside, levels, center, radii(filled, center))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask; nothing where that has too few pixels."""
    runs = find_runs(mask)
    part = label_runs(runs, diagonal=True)
    sizes = np.bincount(part, weights=runs.length, minlength=1)
    if sizes.max() < SMALLEST:
        return np.zeros_like(mask)
    kept = np.zeros_like(mask)
    kept[mask] = np.repeat(part == sizes.argmax(), runs.length)
    return kept


def spread(values: NDArray[np.floating]) -> tuple[float, float, float]:
    """Mean, standard deviation and skewness; the latter 0 where all values are one."""
    mean = float(values.mean(dtype=np.float64))
    centered = values - np.float32(mean)
    square = centered * centered
    deviation = float(np.sqrt(square.mean(dtype=np.float64)))
    if deviation < 1e-4:
        return mean, deviation, 0.0
    return mean, deviation, float((square * centered).mean(dtype=np.float64)) / deviation**3
