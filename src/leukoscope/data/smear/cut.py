"""Cut a cell out of its field in C-NMC's form: on pure black, 450 x 450 px, at C-NMC's scale."""

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 450
"""Side of an image of a cell, px."""
MARGIN = 3
"""Pixels around a cell at the working scale, so that its edge can be interpolated."""


def cut_out(
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    window: tuple[slice, slice],
    reduced: float,
    factor: float,
) -> NDArray[np.uint8] | None:
    """Cut one cell out.

    Args:
        image: uint8 RGB `(H, W, 3)`, the field.
        mask: bool, the cell in its window at the working scale.
        window: Rows and columns of the mask at the working scale.
        reduced: Pixels at the working scale per pixel of the field.
        factor: Pixels of the result per pixel of the field.

    Returns:
        uint8 RGB `(SIDE, SIDE, 3)`, every pixel of the cell lit and all others 0, the bounding box
        in the middle; None if the cell is larger.
    """
    height, width = mask.shape
    size = (round(width * factor / reduced), round(height * factor / reduced))
    if max(size) > SIDE - 2 or min(size) < 1:
        return None
    # One map takes pixels of the result to pixels of the field, another to those of the mask.
    wide = np.pad(mask.astype(np.float32), MARGIN)
    soft = np.asarray(cv2.GaussianBlur(wide, (0, 0), 1.0), np.float32)
    cover = _sampled(soft, reduced / factor, (MARGIN, MARGIN), size)
    rows, columns = window
    part, (down, right) = _part(image, window, reduced, factor)
    corner = (columns.start / reduced - right, rows.start / reduced - down)
    color = _sampled(part, 1 / factor, corner, size)
    inside = cover > 0.5
    cell = np.zeros((SIDE, SIDE, 3), np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    window_of_cell = cell[top : top + size[1], left : left + size[0]]
    # Black is the background, so the darkest pixel of a cell has the level 1.
    window_of_cell[inside] = np.clip(np.round(color[inside]), 1, 255).astype(np.uint8)
    return cell


def _sampled(
    plane: NDArray[np.float32], scale: float, corner: tuple[float, float], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Sample a plane on a grid of `size` (width, height), from `corner` (x, y) on.

    Args:
        plane: float32 `(h, w)` or `(h, w, 3)`.
        scale: Pixels of the plane per pixel of the grid.
        corner: Outer corner of the first pixel of the grid in the plane.
        size: Width and height of the grid.
    """
    move = 0.5 * scale - 0.5  # between corners and centers of pixels
    mapping = np.array([[scale, 0, corner[0] + move], [0, scale, corner[1] + move]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    sampled = cv2.warpAffine(plane, mapping, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32)


def _part(
    image: NDArray[np.uint8], window: tuple[slice, slice], reduced: float, factor: float
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """The part of the field around a cell, blurred before it is made smaller, and its corner."""
    top, left = (max(int(span.start / reduced) - 4, 0) for span in window)
    bottom, right = (int(span.stop / reduced) + 5 for span in window)
    part = image[top:bottom, left:right].astype(np.float32)
    if factor < 1:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.5 / factor), np.float32)
    return part, (top, left)
