"""Augmentation of a training cell: rotation, flip, scale, shift, brightness, color and blur.

The background is pure black and means "no cell", so brightness and color are multiplied: black
stays black.
"""

import cv2
import numpy as np

from leukoscope.models.recipe.settings import Augment


def augment(cell: np.ndarray, settings: Augment, rng: np.random.Generator) -> np.ndarray:
    """Augment a cell.

    Args:
        cell: uint8 (S, S, 3).
        settings: The strength of each change.
        rng: The only source of randomness; the same generator state gives the same cell.

    Returns:
        uint8 (S, S, 3).
    """
    # Drawn all at once and always, so that switching one change off leaves the others as they were.
    draws = rng.uniform(-1, 1, size=10)
    cell = _move(cell, settings, draws)
    gains = (1 + settings.brightness * draws[5]) * (1 + settings.color * draws[6:9])
    if settings.brightness or settings.color:
        cell = _multiply(cell, gains)
    sigma = settings.blur * (draws[9] + 1) / 2
    return cv2.GaussianBlur(cell, (0, 0), sigma) if sigma > 0.2 else cell


def _move(cell: np.ndarray, settings: Augment, draws: np.ndarray) -> np.ndarray:
    """Rotate, flip, scale and shift in one interpolation; the border is filled with black."""
    if not (settings.rotate or settings.flip or settings.scale or settings.shift):
        return cell
    side = cell.shape[0]
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D(
        (middle, middle), settings.rotate * draws[0], 1 + settings.scale * draws[1]
    )
    matrix[:, 2] += settings.shift * side * draws[2:4]
    if settings.flip and draws[4] < 0:  # left to right, before the rest
        matrix = matrix @ np.array([[-1, 0, side - 1], [0, 1, 0], [0, 0, 1]], dtype=float)
    return cv2.warpAffine(cell, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=0)


def _multiply(cell: np.ndarray, gains: np.ndarray) -> np.ndarray:
    levels = np.arange(256)[:, None] * gains  # (256, 3)
    table = np.clip(levels, 0, 255).astype(np.uint8)[:, None, :]
    return cv2.LUT(cell, table)
