"""The foreground crop: a cell on its bounding box, with quantities that descriptors share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.radial_profile import centroid, radii
from leukoscope.data.imaging.foreground import bounding_box, bright_mask, interior, nonblack_mask
from leukoscope.data.imaging.scales import smoothed
from leukoscope.data.imaging.shape import fill_holes, find_runs, label_runs

Floats = NDArray[np.float32]

SMALLEST = 30
"""Smallest number of pixels of a cell."""
SCALES = 5
"""Number of smoothed versions of a cell, each twice as wide as the one before."""


@dataclass(frozen=True)
class Descriptor:
    """One number that is measured on a cell.

    Attributes:
        name: Unique name.
        unit: Unit of the value, "1" for a pure number.
        meaning: Definition in words.
        source: Publication of the measure, "" if it needs none.
    """

    name: str
    unit: str
    meaning: str
    source: str = ""


@dataclass(frozen=True)
class ForegroundCrop:
    """The largest connected component of `bright_mask`, on its bounding box of h x w pixels.

    Attributes:
        color: uint8 (h, w, 3) RGB.
        mask: bool (h, w), the component.
        filled: bool (h, w), the component with its holes filled.
        inside: bool (h, w), the mask without its rim; see `foreground.interior`.
        levels: float32 (1 + `SCALES`, h, w), the optical density, and `SCALES` smoothed versions of
            it. The density is ln(256 / (gray + 1)), where gray is the mean of the three channels:
            0 for white, and differences do not depend on the brightness of the lamp.
        center: Row and column of the centroid, holes filled.
        radius: float64 (64,), distance of the outline from the center in 64 directions, pixels.
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
        """The optical density without smoothing, float32 (h, w)."""
        return self.levels[0]


def crop_foreground(image: NDArray[np.uint8]) -> ForegroundCrop | None:
    """Find the cell in an image, uint8 (H, W, 3); None if it has too few pixels."""
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
    levels, center = smoothed(density, mask, SCALES), centroid(filled)
    return ForegroundCrop(color, mask, filled, inside, levels, center, radii(filled, center))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Largest connected component of a mask; empty if it has fewer than `SMALLEST` pixels."""
    runs = find_runs(mask)
    component = label_runs(runs, diagonal=True)
    sizes = np.bincount(component, weights=runs.length, minlength=1)
    if sizes.max() < SMALLEST:
        return np.zeros_like(mask)
    kept = np.zeros_like(mask)
    kept[mask] = np.repeat(component == sizes.argmax(), runs.length)
    return kept


def moments(values: NDArray[np.floating]) -> tuple[float, float, float]:
    """Mean, standard deviation and skewness; the skewness of equal values is 0."""
    mean = float(values.mean(dtype=np.float64))
    centered = values - np.float32(mean)
    square = centered * centered
    deviation = float(np.sqrt(square.mean(dtype=np.float64)))
    if deviation < 1e-4:
        return mean, deviation, 0.0
    return mean, deviation, float((square * centered).mean(dtype=np.float64)) / deviation**3
