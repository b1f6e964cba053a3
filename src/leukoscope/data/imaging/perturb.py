"""Parts of a cell covered up, its size and outline kept: what maps are made and tested with.

Painting a part black would make the cell smaller or give it a hole, and size is what models of
these cells lean on most: the answer would change for the hole and not for what was there. So a
covered pixel gets a color of the cell itself, and the background is never touched.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.scales import smoothed
from leukoscope.data.imaging.foreground import nonblack_mask

PATCH = 25
"""Side of a patch in original pixels: an eighth of a usual cell's 200, about a large nucleolus."""
MOST_PATCHES = 100
"""Patches that may lie on a cell; where it would be more, they are made larger."""
BLUR = 18.5
"""Standard deviation of the blur in original pixels: that of the widest scale at full resolution.
At others it is the nearest scale that is no wider."""

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Patches:
    """A grid over the whole crop, of which the patches with some of the cell count.

    Attributes:
        grid: Patches a side, G.
        of_pixel: int (S, S), the patch of each pixel, 0 to G * G - 1 in reading order.
        on_cell: int (P,), the patches that hold a pixel of the cell, ascending.
        pixels: int (P,), how many pixels of the cell each of these holds.
    """

    grid: int
    of_pixel: NDArray[np.int64]
    on_cell: NDArray[np.int64]
    pixels: NDArray[np.int64]

    def averages(self, values: np.ndarray) -> NDArray[np.float64]:
        """The mean of a map over each patch on the cell.

        Args:
            values: (h, w), a map over the whole crop at any resolution.

        Returns:
            float64 (P,).
        """
        side = self.of_pixel.shape[0]
        rows, columns = (np.arange(side) * length // side for length in values.shape)
        whole = np.asarray(values, np.float64)[np.ix_(rows, columns)]
        sums = np.bincount(self.of_pixel.ravel(), whole.ravel(), self.grid**2)
        return (sums / np.bincount(self.of_pixel.ravel(), minlength=self.grid**2))[self.on_cell]


def cut_into_patches(cell: Image, crop: int, most: int = MOST_PATCHES) -> Patches:
    """Lay a grid of patches of `PATCH` original pixels over a crop.

    Args:
        cell: uint8 (S, S, 3), the crop as a model is given it.
        crop: Its side in original pixels.
        most: Patches on the cell at most; larger ones are taken until it fits.
    """
    mask = nonblack_mask(cell)
    grid = max(1, min(round(crop / PATCH), len(cell)))
    while True:
        line = np.arange(len(cell)) * grid // len(cell)
        of_pixel = line[:, None] * grid + line
        counts = np.bincount(of_pixel[mask], minlength=grid**2)
        on_cell = np.flatnonzero(counts)
        if len(on_cell) <= most or grid == 1:
            return Patches(grid, of_pixel, on_cell, counts[on_cell])
        grid -= 1


def mean_filled(cell: Image) -> Image:
    """A cell of the same outline in its own mean color: neither structure nor shading is left."""
    mask = nonblack_mask(cell)
    if not mask.any():
        return cell.copy()
    return _within(mask, np.broadcast_to(cell[mask].mean(axis=0), cell.shape))


def blurred(cell: Image, crop: int) -> Image:
    """A cell of the same outline, so smoothed that its chromatin is gone and its shading is left.

    The background has no part in the means, or the rim would darken.

    Args:
        cell: uint8 (S, S, 3), the crop as a model is given it.
        crop: Its side in original pixels.
    """
    mask = nonblack_mask(cell)
    scales = max(1, int(np.log2(max(BLUR * len(cell) / crop, 1))) + 1)
    channels = np.moveaxis(cell.astype(np.float32), 2, 0)
    return _within(mask, np.stack([smoothed(one, mask, scales)[-1] for one in channels], axis=2))


def perturb(cell: Image, filling: Image, patches: Patches, covered: np.ndarray) -> Image:
    """A cell with some patches replaced by the same place of `filling`.

    Args:
        cell: uint8 (S, S, 3).
        filling: uint8 (S, S, 3), from `mean_filled` or `blurred`.
        patches: The grid.
        covered: Numbers of the patches, as in `Patches.on_cell`.
    """
    chosen = np.zeros(patches.grid**2, bool)
    chosen[covered] = True
    return np.where(chosen[patches.of_pixel][..., None], filling, cell)


def _within(mask: NDArray[np.bool_], color: np.ndarray) -> Image:
    """Colors on the cell, black elsewhere; never black on the cell, for that is background."""
    level = np.clip(np.rint(color), 1, 255).astype(np.uint8)
    return np.where(mask[..., None], level, np.uint8(0))
