"""Cells of random grain for tests of networks."""

import numpy as np


def grainy(
    radius: float, side: int, *, center: tuple[float, float] = (0, 0), seed: int = 0
) -> np.ndarray:
    """A round cell on black, uint8 (side, side, 3).

    Args:
        radius: Of the cell, in pixels.
        side: Of the crop.
        center: Shift of the center, down and right.
        seed: Random seed of the grain.
    """
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(y - center[0], x - center[1]) < radius
    gray = np.random.default_rng(seed).integers(-40, 41, (side, side, 3))
    return np.where(inside[..., None], np.array([140, 70, 150]) + gray, 0).astype(np.uint8)


def odd_cells(side: int) -> np.ndarray:
    """Cells of three sizes, a black and a gray crop, uint8 (5, side, side, 3)."""
    return np.stack(
        [
            grainy(20, side),
            grainy(44, side, center=(20, -10), seed=1),
            grainy(70, side, seed=2),
            np.zeros((side, side, 3), np.uint8),
            np.full((side, side, 3), 90, np.uint8),
        ]
    )
