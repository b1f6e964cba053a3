"""Heatmap overlays: vermilion is evidence for ALL, blue against it, as in the app."""

import numpy as np
from numpy.typing import NDArray

FOR = (227, 84, 0)
AGAINST = (40, 140, 220)
OPACITY = 0.7


def overlay(cell: NDArray[np.uint8], heatmap: np.ndarray) -> NDArray[np.uint8]:
    """Draw a cell next to the same cell with its heatmap on it.

    Args:
        cell: The crop, uint8 (S, S, 3).
        heatmap: (h, w) over the whole crop, positive for evidence for ALL. The largest
            magnitude is drawn at full strength, so colors of two images are not comparable.

    Returns:
        The image, uint8 (S, 2 S, 3).
    """
    from PIL import Image

    side = len(cell)
    map_image = Image.fromarray(np.asarray(heatmap, np.float32))
    values = np.asarray(map_image.resize((side, side), Image.Resampling.BILINEAR))
    largest = float(np.abs(heatmap).max())
    strength = np.clip(np.abs(values) / largest, 0, 1) if largest > 0 else np.zeros_like(values)
    alpha = OPACITY * strength[..., None]
    color = np.where(values[..., None] >= 0, np.array(FOR), np.array(AGAINST))
    mixed = np.rint((1 - alpha) * cell + alpha * color).astype(np.uint8)
    return np.concatenate([cell, mixed], axis=1)
