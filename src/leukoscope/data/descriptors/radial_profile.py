"""Radial profile of a cell: outline and values along rays from its center."""

import math

import numpy as np
from numpy.typing import NDArray

ANGLES = 64
ANGLE = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES)
"""Directions of the rays; none is along an axis, so turns and mirrors map sectors to sectors."""


def centroid(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Row and column of the centroid of a mask."""
    rows, columns = mask.sum(axis=1), mask.sum(axis=0)
    total = rows.sum()
    return float(rows @ np.arange(rows.size) / total), float(
        columns @ np.arange(columns.size) / total
    )


def radii(mask: NDArray[np.bool_], center: tuple[float, float]) -> NDArray[np.float64]:
    """Distance of the outline of a mask from its center in `ANGLES` directions, pixels, at least 1.

    If a ray leaves the mask and enters it again, the farthest point counts.
    """
    row, column = center
    reach = int(math.hypot(max(row, len(mask) - row), max(column, mask.shape[1] - column))) + 2
    steps = np.arange(0, reach, 0.5)
    along = sample_rays(mask.astype(np.float32), center, np.tile(steps, (ANGLES, 1)))
    farthest = along.shape[1] - 1 - (along[:, ::-1] >= 0.5).argmax(axis=1)
    meets = (along >= 0.5).any(axis=1)
    return np.where(meets, np.maximum(steps[farthest], 1.0), 1.0)


def sample_rays(
    picture: NDArray[np.float32], center: tuple[float, float], distance: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Sample an image along rays by bilinear interpolation, 0 outside.

    Args:
        picture: (h, w).
        center: Row and column of the start of the rays.
        distance: (`ANGLES`, n) distances from the center in pixels, a row per ray.
    """
    y = center[0] + np.sin(ANGLE)[:, None] * distance + 1
    x = center[1] + np.cos(ANGLE)[:, None] * distance + 1
    wide = np.pad(picture, 1)
    height, width = wide.shape
    outside = (y < 0) | (x < 0) | (y > height - 1) | (x > width - 1)
    y, x = np.clip(y, 0, height - 1.001), np.clip(x, 0, width - 1.001)
    top, left = y.astype(np.intp), x.astype(np.intp)
    down, right = (y - top).astype(np.float32), (x - left).astype(np.float32)
    flat, place = wide.ravel(), top * width + left
    upper = flat[place] * (1 - right) + flat[place + 1] * right
    lower = flat[place + width] * (1 - right) + flat[place + width + 1] * right
    values = upper * (1 - down) + lower * down
    values[outside] = 0
    return values
