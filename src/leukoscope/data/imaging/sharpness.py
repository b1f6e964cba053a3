"""Sharpness as the variance of the Laplacian, in two places of an image.

Focus measure of J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a
comparative study", ICPR 2000. The two measures differ on purpose and are not comparable:

| measure | gray value | region | scale | used by |
|---|---|---|---|---|
| `cell_sharpness` | luma (BT.601) | cell without its rim | variance | `features`, data report |
| `central_sharpness` | green | central square of the object | ln variance | image quality |

The first describes a cell. The second decides within a tenth of the decoding time whether an image
is blurred, and works without a mask of the cell.
"""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.foreground import interior

LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))
"""The five-point Laplacian as a kernel, for networks that convolve with it; see `laplacian`."""
CENTER_SIDE = 96
"""Side in pixels of the square that `central_sharpness` measures."""
_FLOOR = 1e-3  # variance of a plain area, so that its logarithm is finite


def cell_sharpness(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    """Variance of the Laplacian of the luma inside a cell.

    Args:
        image: uint8 RGB (H, W, 3).
        mask: bool (H, W), the cell. Its rim is left out, as the cut is the sharpest edge.
    """
    mirrored = np.pad(luma(image), 1, mode="reflect")
    return float(laplacian(mirrored)[interior(mask)].var())


def central_sharpness(image: NDArray[np.uint8], row: int, column: int) -> float:
    """Logarithm of the variance of the Laplacian of the green channel around a point.

    Args:
        image: uint8 RGB (H, W, 3).
        row: Row of the middle of the square of `CENTER_SIDE` pixels.
        column: Column of its middle.

    Returns:
        The logarithm, or nan where fewer than 3 x 3 pixels of the square lie in the image.
    """
    top, left = (max(0, middle - CENTER_SIDE // 2) for middle in (row, column))
    green = image[top : top + CENTER_SIDE, left : left + CENTER_SIDE, 1].astype(np.int16)
    if min(green.shape) < 3:
        return float("nan")
    return float(np.log(laplacian(green).astype(np.float32).var() + _FLOOR))


def laplacian(gray: NDArray[np.int16]) -> NDArray[np.int16]:
    """Sum of the four neighbors minus four times the pixel.

    Args:
        gray: int16 (H, W), levels 0 to 255.

    Returns:
        int16 (H - 2, W - 2): pixels at the frame, which lack a neighbor, are left out.
    """
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return around - 4 * gray[1:-1, 1:-1]


def luma(image: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Luma of ITU-R BT.601, rounded as OpenCV rounds it: int16 (H, W)."""
    red, green, blue = (image[..., channel].astype(np.int32) for channel in range(3))
    return ((9798 * red + 19235 * green + 3735 * blue + (1 << 14)) >> 15).astype(np.int16)
