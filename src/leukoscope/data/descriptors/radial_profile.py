"""Rays from the center of a cell: how far it reaches, and what lies along them."""

import math

import numpy as np
from numpy.typing import NDArray

ANGLES = 64
ANGLE = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES)
"""Directions of rays: none along an axis, so that sectors of rays survive a turn and a mirror."""


def center_of(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Row and column of the center of mass."""
    rows, columns = mask.sum(axis=1), mask.sum(axis=0)
    total = rows.sum()
    return float(rows @ np.arange(rows.size) / total), float(
        columns @ np.arange(columns.size) / total
    )


def radii(mask: NDArray[np.bool_], center: tuple[float, float]) -> NDArray[np.float64]:
    """How far a mask reaches from its center in `ANGLES` directions, pixels, at least 1.

    Where a ray leaves the mask and enters it again, the farthest point counts.
    """
    row, column = center
    reach = int(math.hypot(max(row, len(mask) - row), max(column, mask.shape[1] - column))) + 2
    steps = np.arange(0, reach, 0.5)
    along = sample(mask.astype(np.float32), center, np.tile(steps, (ANGLES, 1)))
    farthest = along.shape[1] - 1 - (along[:, ::-1] >= 0.5).argmax(axis=1)
    found = (along >= 0.5).any(axis=1)
    return np.where(found, np.maximum(steps[farthest], 1.0), 1.0)


def sample(
    picture: NDArray[np.float32], center: tuple[float, float], distance: NDArray[np.float64]
) -> NDArray[np.float32]:
    """A picture's values along rays, between pixels by bilinear interpolation, 0 outside.

    Args:
        picture: (h, w).
        center: Row and column where the rays start.
        distance: (`ANGLES`, n) pixels from there; the rays are evenly spread.
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
