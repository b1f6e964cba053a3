"""Smooth an image at several scales, using the pixels of the cell only.

The a trous scheme smooths with [1 4 6 4 1] / 16 along rows and columns, and doubles the distance of
the taps at each scale: Holschneider et al., "A real-time algorithm for signal analysis with the
help of the wavelet transform", in Wavelets, Springer 1989. There is no subsampling, so turning or
mirroring the cell turns or mirrors every scale.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def smoothed(values: Floats, mask: NDArray[np.bool_], count: int) -> Floats:
    """Return an image and `count` smoothed versions of it.

    Division by the smoothed mask excludes the black background.

    Args:
        values: float32 (h, w).
        mask: bool (h, w), the cell.
        count: Number of scales; the standard deviations are 1, 2.2, 4.6, 9.2, 18.5 pixels.

    Returns:
        float32 (1 + count, h, w), 0 outside the cell.
    """
    inside = mask.astype(np.float32)
    both = np.stack([values * inside, inside])
    levels = np.empty((1 + count, *mask.shape), np.float32)
    levels[0] = both[0]
    for scale in range(count):
        both = _along_rows(_along_columns(both, 1 << scale), 1 << scale)
        levels[scale + 1] = both[0] / np.maximum(both[1], 1e-3) * inside
    return levels


def _along_rows(pictures: Floats, step: int) -> Floats:
    width, reach = pictures.shape[2], 2 * step
    wide = np.zeros((*pictures.shape[:2], width + 2 * reach), np.float32)
    wide[:, :, reach:-reach] = pictures
    near = wide[:, :, step : step + width] + wide[:, :, 3 * step : 3 * step + width]
    far = wide[:, :, :width] + wide[:, :, 4 * step :]
    return _weighted(pictures, near, far)


def _along_columns(pictures: Floats, step: int) -> Floats:
    height, reach = pictures.shape[1], 2 * step
    wide = np.zeros((pictures.shape[0], height + 2 * reach, pictures.shape[2]), np.float32)
    wide[:, reach:-reach] = pictures
    near = wide[:, step : step + height] + wide[:, 3 * step : 3 * step + height]
    far = wide[:, :height] + wide[:, 4 * step :]
    return _weighted(pictures, near, far)


def _weighted(middle: Floats, near: Floats, far: Floats) -> Floats:
    """Weight the taps by [1 4 6 4 1] / 16, where each of `near` and `far` is a sum of two."""
    near *= np.float32(4 / 16)
    far *= np.float32(1 / 16)
    near += far
    near += middle * np.float32(6 / 16)
    return near
