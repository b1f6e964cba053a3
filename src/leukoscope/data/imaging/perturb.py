"""Perturb patches of a cell while its size and outline stay: for occlusion maps and their tests.

A black patch would make the cell smaller or give it a hole, and models of these cells rely on size
most: the prediction would change because of the hole and not because of the structure that was
there. So a perturbed pixel takes a color from a baseline image of the cell itself, and the
background never changes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.foreground import nonblack_mask
from leukoscope.data.imaging.scales import smoothed

PATCH = 25
"""Side of a patch in original pixels: an eighth of a usual cell's 200, about a large nucleolus."""
MOST_PATCHES = 100
"""Largest number of patches on a cell; patches grow where there would be more."""
BLUR = 18.5
"""Standard deviation of the blur in original pixels: that of the widest scale at full resolution.
At lower resolutions it is the widest scale that does not exceed it."""

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Patches:
    """A grid of patches over the whole crop, and which of them lie on the cell.

    Attributes:
        grid: Number of patches along each side, G.
        of_pixel: int (S, S), patch of each pixel, 0 to G * G - 1 in reading order.
        on_cell: int (P,), patches that contain a pixel of the cell, ascending.
        pixels: int (P,), number of cell pixels in each of them.
    """

    grid: int
    of_pixel: NDArray[np.int64]
    on_cell: NDArray[np.int64]
    pixels: NDArray[np.int64]

    def averages(self, values: np.ndarray) -> NDArray[np.float64]:
        """Mean of a map over each patch on the cell.

        Args:
            values: (h, w), map over the whole crop at any resolution.

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
        cell: uint8 (S, S, 3), the crop that a model receives.
        crop: Side of the crop in original pixels.
        most: Largest number of patches on the cell; patches grow until it holds.
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


def mean_baseline(cell: Image) -> Image:
    """Baseline image: the cell in its mean color, without structure and shading."""
    mask = nonblack_mask(cell)
    if not mask.any():
        return cell.copy()
    return _within(mask, np.broadcast_to(cell[mask].mean(axis=0), cell.shape))


def blurred_baseline(cell: Image, crop: int) -> Image:
    """Baseline image: the cell so blurred that its chromatin is gone and its shading remains.

    The background does not enter the means, or the rim would darken.

    Args:
        cell: uint8 (S, S, 3), the crop that a model receives.
        crop: Side of the crop in original pixels.
    """
    mask = nonblack_mask(cell)
    scales = max(1, int(np.log2(max(BLUR * len(cell) / crop, 1))) + 1)
    channels = np.moveaxis(cell.astype(np.float32), 2, 0)
    return _within(mask, np.stack([smoothed(c, mask, scales)[-1] for c in channels], axis=2))


def perturb(cell: Image, baseline: Image, patches: Patches, perturbed: np.ndarray) -> Image:
    """Replace some patches of a cell by the same patches of a baseline image.

    Args:
        cell: uint8 (S, S, 3).
        baseline: uint8 (S, S, 3), from `mean_baseline` or `blurred_baseline`.
        patches: Grid of patches.
        perturbed: Numbers of the patches to replace, as in `Patches.on_cell`.
    """
    chosen = np.zeros(patches.grid**2, bool)
    chosen[perturbed] = True
    return np.where(chosen[patches.of_pixel][..., None], baseline, cell)


def _within(mask: NDArray[np.bool_], color: np.ndarray) -> Image:
    """Colors on the cell, black elsewhere; at least 1 on the cell, since 0 is background."""
    level = np.clip(np.rint(color), 1, 255).astype(np.uint8)
    return np.where(mask[..., None], level, np.uint8(0))
