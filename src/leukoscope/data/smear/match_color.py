"""Match the color of cells of another stain or camera to C-NMC's: the first two moments in density.

Reinhard et al., "Color transfer between images", IEEE Computer Graphics and Applications 21 (2001),
match mean and standard deviation in a color space with little correlation. Here the space is the
optical density of the cell's pixels, turned to its gray axis and two axes of hue, and one
transformation holds for all cells that come together: the cells of a person who stains darker stay
darker than those of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Orthonormal rows: gray, red against blue, green against both."""
CNMC_MEAN = np.array([1.1716, 0.0449, -0.3271])
"""Mean over C-NMC subjects of the mean density of a cell on the axes, see `color_moments`: 12 cells
of each of the 45 subjects measured, whose means spread by 0.067, 0.011 and 0.019."""
CNMC_SPREAD = np.array([0.1705, 0.0303, 0.0574])
"""Mean over these subjects of the standard deviation within a cell on the axes."""
LARGEST_CHANGE = 3.0
"""Largest factor by which a standard deviation is changed; more would amplify noise."""


@dataclass(frozen=True)
class ColorMatch:
    """A transformation of density: from one mean and spread to another."""

    mean: Floats
    spread: Floats

    def __call__(self, cell: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Transform one cell.

        Args:
            cell: uint8 RGB `(H, W, 3)` on black.

        Returns:
            The same with other colors; black stays black, and no pixel of the cell becomes black.
        """
        inside = cell.any(axis=2)
        gain = np.clip(CNMC_SPREAD / self.spread, 1 / LARGEST_CHANGE, LARGEST_CHANGE)
        moved = (_density(cell[inside]) - self.mean) * gain + CNMC_MEAN
        light = 256 * 10 ** -(moved @ AXES) - 1
        changed = np.zeros_like(cell)
        changed[inside] = np.clip(np.round(light), 1, 255).astype(np.uint8)
        return changed


def color_moments(cell: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the density of a cell's pixels on the axes, `(3,)` each.

    Args:
        cell: uint8 RGB `(H, W, 3)` on black, not empty.
    """
    density = _density(cell[cell.any(axis=2)])
    return density.mean(axis=0), density.std(axis=0)


def fit_match(moments: Sequence[tuple[Floats, Floats]]) -> ColorMatch | None:
    """The match for cells that come together, by their `color_moments`; None without any."""
    if not moments:
        return None
    mean, spread = np.mean(moments, axis=0)
    return ColorMatch(mean, np.maximum(spread, 1e-3))


def match_files(paths: Sequence[Path]) -> None:
    """Match the colors of the cells of one microscope and stain in their files.

    Args:
        paths: PNG files of cells on black, which are written again.
    """
    from leukoscope.data.imaging.image import decode
    from leukoscope.data.imaging.resolution import stated_scale
    from leukoscope.data.smear.collect import save

    match = fit_match([color_moments(decode(path)) for path in paths])
    if match is not None:
        for path in paths:
            save(match(decode(path)), path, stated_scale(path))


def _density(pixels: NDArray[np.uint8]) -> Floats:
    """Density `(n, 3)` on the axes of pixels `(n, 3)`."""
    return -np.log10((pixels.astype(np.float64) + 1) / 256) @ AXES.T
