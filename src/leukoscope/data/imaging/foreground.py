"""Foreground of an image: the rules for which pixels are the cell, side by side.

A C-NMC image is one cell on pure black, so every pixel that is not black is the cell. Decoding
removes the noise that JPEG and WebP leave on the black (`leukoscope.data.imaging.noise`), so all
rules see the same background. They differ at the rim, which compression or another segmentation
blends with black. Each rule compares the brightest channel of a pixel with a level:

| rule | brightest channel | used by |
|---|---|---|
| `nonblack_mask` | above 0 | measurements (area), heatmaps and occlusion, evaluation |
| the same in PyTorch | above 0 | `models.network.local_features`, as part of the model |
| `lit_mask` | 16 or more | image quality; noise on the black is what is below |
| `bright_mask` | above 8 and half of the median | descriptors: the blended rim is left out |
| `solid_mask` | above 8 and 0.35 of the 90th percentile | audit: one outline in two copies |

The rules give slightly different areas for the same cell. `interior` leaves out the rim of a mask,
where the cut against black is the sharpest edge of the image and hides the cell's own structure.
NumPy is enough for all of them.
"""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.shape import eroded, fill_holes

Mask = NDArray[np.bool_]
Box = tuple[slice, slice]
"""Rows and columns."""

LIT = 16
"""Gray level from which a pixel counts as lit. JPEG turns pure black into pixels below it."""
SPECK_LEVEL = 8
"""Gray level of the brightest JPEG specks on black; the foreground is above it."""
BRIGHT_FRACTION = 0.5
"""Level of `bright_mask` as a fraction of the median: a pixel at the cut that is half background
stays out."""
SOLID_FRACTION = 0.35
"""Level of `solid_mask` as a fraction of the 90th percentile: about half way from the background to
the rim of a nucleus, where blur moves an edge least."""
FULL_FRAME = 0.98
"""Fraction of the frame above which the foreground leaves no ground, and so no outline."""
MOST_RIM = 0.5
"""The same fraction of the outermost pixels."""
PALE_RIM = 1.75
"""Largest ratio of that percentile to the median. In C-NMC it is 1.54 at most; above, the bright
pixels are a pale cytoplasm, and the level would cut out the nucleus."""
MOSTLY = 0.75
"""Fraction of the pixels above `SPECK_LEVEL` below which the level has cut out the nucleus."""
BEYOND = 0.01
"""Fraction of a cell outside a crop from which it reaches over the crop."""
RIM = 5
"""Width in pixels of the rim that `interior` leaves out: the cut and its blur show there."""


def nonblack_mask(image: NDArray[np.uint8]) -> Mask:
    """Pixels that are not pure black, the background of C-NMC images.

    Args:
        image: uint8 RGB (H, W, 3).

    Returns:
        bool (H, W).
    """
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    mask: Mask = (red | green | blue) > 0  # several times as fast as the maximum over channels
    return mask


def lit_mask(image: NDArray[np.uint8]) -> Mask:
    """Pixels with a channel of at least `LIT`, for images that may have been JPEG files.

    Args:
        image: uint8 RGB (H, W, 3), or (N, 3) for a line of pixels.

    Returns:
        bool (H, W) or (N,).
    """
    # `LIT` is a power of 2, so one of the high bits is set.
    mask: Mask = (image[..., 0] | image[..., 1] | image[..., 2]) >= LIT
    return mask


def bright_mask(image: NDArray[np.uint8]) -> Mask:
    """Pixels brighter than half the median cell pixel: neither background nor a blend with it.

    Args:
        image: uint8 RGB (H, W, 3), cropped to the cell.

    Returns:
        bool (H, W), all False for an image without a pixel above `SPECK_LEVEL`.
    """
    brightest = brightest_channel(image)
    counts = np.bincount(brightest.ravel(), minlength=256)
    counts[: SPECK_LEVEL + 1] = 0
    median = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
    return brightest > max(SPECK_LEVEL, BRIGHT_FRACTION * median)


def solid_mask(image: NDArray[np.uint8]) -> Mask:
    """Pixels of the cell on a black background that JPEG may have made uneven.

    Args:
        image: uint8 RGB (H, W, 3).

    Returns:
        bool (H, W), all False for an image without a pixel above `SPECK_LEVEL`.
    """
    brightest = brightest_channel(image)
    lit = brightest[brightest > SPECK_LEVEL]
    if lit.size == 0:
        return np.zeros(brightest.shape, dtype=bool)
    high = min(float(np.percentile(lit, 90)), PALE_RIM * float(np.median(lit)))
    solid = brightest > max(float(SPECK_LEVEL), SOLID_FRACTION * high)
    if np.count_nonzero(solid) < MOSTLY * lit.size:  # a wide, pale cytoplasm around a dark nucleus
        solid = fill_holes(solid)
    return solid


def on_black(image: NDArray[np.uint8]) -> bool:
    """True if an image shows its cell on a black background, which gives its outline.

    A cell may touch the border of the frame. A pale background is bright along most of it.

    Args:
        image: uint8 RGB (H, W, 3).
    """
    return has_outline(solid_mask(image))


def has_outline(mask: Mask) -> bool:
    """True if the bright pixels of an image leave most of the frame's border dark.

    Args:
        mask: bool (H, W), the bright pixels.
    """
    rim = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    return float(mask.mean()) < FULL_FRAME and float(rim.mean()) <= MOST_RIM


def beyond_crop(image: NDArray[np.uint8], crop: int) -> bool:
    """True if more than `BEYOND` of the lit pixels lie outside the central square of a crop.

    Args:
        image: uint8 RGB (H, W, 3), a cell on black.
        crop: Side of the square, px.
    """
    height, width = image.shape[:2]
    if max(height, width) <= crop:
        return False
    few = lit_mask(image[::4, ::4])  # enough for a fraction
    spans = [slice(max((side - crop) // 8, 0), (side + crop) // 8) for side in (height, width)]
    whole, inside = np.count_nonzero(few), np.count_nonzero(few[spans[0], spans[1]])
    return bool(whole - inside > BEYOND * whole)


def interior(mask: Mask, least: int = 1) -> Mask:
    """The mask without its rim of `RIM` pixels.

    Args:
        mask: bool (H, W).
        least: Smallest useful number of pixels.

    Returns:
        bool (H, W); the whole mask if fewer than `least` pixels remain.
    """
    core = eroded(mask, RIM)
    return core if np.count_nonzero(core) >= least else mask


def bounding_box(mask: Mask) -> Box | None:
    """Rows and columns of the smallest box that holds a mask; None for an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def nonblack_box(image: NDArray[np.uint8]) -> Box | None:
    """The box around `nonblack_mask`, in a third of the time of making that mask; None without one.

    Args:
        image: uint8 RGB (H, W, 3).
    """
    rows = np.flatnonzero(image.reshape(len(image), -1).any(axis=1))
    if not rows.size:
        return None
    across = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(image[across].max(axis=0).any(axis=1))
    return across, slice(int(columns[0]), int(columns[-1]) + 1)


def brightest_channel(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightest channel of each pixel, uint8 (H, W); many times as fast as `image.max(axis=2)`."""
    brightest: NDArray[np.uint8] = np.maximum(
        np.maximum(image[..., 0], image[..., 1]), image[..., 2]
    )
    return brightest
