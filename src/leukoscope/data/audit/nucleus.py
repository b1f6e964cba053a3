"""Segment the nucleus in images that others have segmented into cells.

Two images of the same cell agree on its nucleus. They differ in how much of the pale rim they
include, and in fragments and neighboring cells that were not removed.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.foreground import solid_mask

#: Smallest number of pixels of a cell that can be recognized.
MIN_CELL_PIXELS = 400
#: Fractions of the median gray level: nucleus below the first; cytoplasm, halo or fragment above
#: the second.
DARK, PALE = 1.2, 1.6
#: Width of the cell (root of its area) divided by half the largest width of a fragment.
BRUSH = 30


def cell_diameter(image: NDArray[np.uint8]) -> float:
    """Diameter in pixels of a disc with the area of the cell; 0 without a cell."""
    return float(np.sqrt(np.count_nonzero(solid_mask(image)) * 4 / np.pi))


def nucleus(mask: NDArray[np.bool_], gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Degree to which each pixel belongs to the dark body of the cell.

    The degree is continuous, so that a slightly brighter pixel in one of two images has little
    effect.

    Args:
        mask: bool (H, W), the cell.
        gray: uint8 (H, W).

    Returns:
        float32 (H, W), 0 to 1; 1 on the whole cell if most of it is pale.
    """
    whole = np.count_nonzero(mask)
    solid = mask.astype(np.float32)
    if whole < MIN_CELL_PIXELS:
        return solid
    middle = max(float(np.median(gray[mask])), 1.0)
    ramp = np.clip((PALE - np.arange(256) / middle) / (PALE - DARK), 0, 1).astype(np.float32)
    dark = ramp[gray] * solid
    width = 2 * max(1, round(np.sqrt(whole) / BRUSH)) + 1
    brush = np.ones((width, width), np.uint8)  # square: the same after a quarter turn, and fast
    # Opened before it is closed: this separates touching cells, and removes the outline of a halo,
    # which is dark where it blends with the border.
    dark = np.asarray(cv2.morphologyEx(dark, cv2.MORPH_OPEN, brush), np.float32)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(
        (dark > 0.5).astype(np.uint8), connectivity=4
    )
    if count < 2:
        return solid
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    body = np.where((parts == largest) | (parts == 0), dark, np.float32(0))
    body = np.asarray(cv2.morphologyEx(body, cv2.MORPH_CLOSE, brush), np.float32) * solid
    return body if float(body.sum()) >= whole / 3 else solid
