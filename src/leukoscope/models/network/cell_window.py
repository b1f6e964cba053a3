"""The part of a crop that holds the cell, and maps of it on the grid of the whole crop.

Most of a crop is black. A network that looks at the cell alone is two to three times as fast. Cells
in one batch share one window, so its size may change with the other cells; a model file is run
on one cell at a time.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from leukoscope.models.network.settings import ALIGN

BEFORE, AFTER = 8, 20
"""Smallest margins above and left of the cell, and below and right of it, in original pixels."""
GRID = 8
"""Side of a place of the heatmap, in original pixels."""
# Averages over the area of three pixels out of four: row i holds the weights of new pixel i.
THREE_OF_FOUR = ((0.75, 0.25, 0.0, 0.0), (0.0, 0.5, 0.5, 0.0), (0.0, 0.0, 0.25, 0.75))


class Window(NamedTuple):
    """Part of a crop.

    Attributes:
        cells: uint8 (N, h, w, 3); h and w are multiples of `ALIGN`.
        top: int64 (), position of the first row in the crop.
        left: int64 (), position of the first column.
    """

    cells: Tensor
    top: Tensor
    left: Tensor


def window(cells: Tensor) -> Window:
    """Cut out the smallest aligned window with all that is not black, uint8 (N, S, S, 3).

    An all-black crop is its own window. `window_onnx.prepend_window` writes the same in ONNX.
    """
    seen = cells.amax(dim=(0, 3)) > 0
    rows, columns = _span(seen.any(dim=1)), _span(seen.any(dim=0))
    part = cells.index_select(1, rows).index_select(2, columns)
    return Window(part, rows[0], columns[0])


def shrink(planes: Tensor) -> Tensor:
    """Planes (N, C, h, w) at three quarters of their scale, (N, C, 3h/4, 3w/4).

    Each new pixel is the mean over its area. h and w are multiples of four.
    """
    along = planes.new_tensor(THREE_OF_FOUR)
    count, channels, height, width = planes.shape
    rows = torch.matmul(along, planes.reshape(count, channels, height // 4, 4, width))
    short = height // 4 * 3
    columns = torch.matmul(rows.reshape(count, channels, short * width // 4, 4), along.T)
    return columns.reshape(count, channels, short, width // 4 * 3)


def spread(map_: Tensor, top: Tensor, left: Tensor, stride: float, side: int) -> Tensor:
    """Put a map of a window on the grid of the whole crop, with the same sum.

    A place of the map is shared among the places of the grid by the area of overlap. What lies
    beyond the crop is lost; there is no cell.

    Args:
        map_: (N, h, w), sums of contributions, of places `stride` original pixels wide.
        top: Position of the first row of the window in the crop, original pixels.
        left: Position of the first column.
        stride: Side of a place of the map.
        side: Side of the crop, a multiple of `GRID`.

    Returns:
        (N, side / GRID, side / GRID).
    """
    rows = _overlap(map_.shape[1], top, stride, side, map_)
    columns = _overlap(map_.shape[2], left, stride, side, map_)
    return rows.transpose(0, 1) @ map_ @ columns


def _span(seen: Tensor) -> Tensor:
    """Positions of an aligned window around all true values of (S,)."""
    side = seen.shape[0]
    position = torch.arange(side)
    first = torch.where(seen, position, side).amin()
    last = torch.where(seen, position, -1).amax()
    begin = (first - BEFORE).clamp(min=0) // ALIGN * ALIGN
    end = (last + 1 + AFTER + ALIGN - 1) // ALIGN * ALIGN
    if not seen.any():
        return position
    return position[(position >= begin) & (position < end)]


def _overlap(count: int, start: Tensor, stride: float, side: int, like: Tensor) -> Tensor:
    """Fraction of each of `count` places that lies in each place of the grid, (count, grid)."""
    begin = torch.arange(count, dtype=like.dtype)[:, None] * stride + start.to(like.dtype)
    edge = torch.arange(side // GRID, dtype=like.dtype)[None] * GRID
    low = torch.maximum(begin, edge)
    high = torch.minimum(begin + stride, edge + GRID)
    return (high - low).clamp(min=0) / stride
