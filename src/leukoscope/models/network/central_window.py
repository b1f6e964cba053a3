"""The middle of a crop, where the cell lies, and maps of it on the grid of the whole crop.

Images of single cells are centered on the cell, so most of a crop is black. A network that looks at
the middle alone is several times as fast. As the window has the same place and size for every cell,
the shapes in the network are known when it is exported.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

GRID = 8
"""Side of a place of the heatmap, in original pixels."""
# Averages over the area of three pixels out of four: row i holds the weights of new pixel i.
THREE_OF_FOUR = ((0.75, 0.25, 0.0, 0.0), (0.0, 0.5, 0.5, 0.0), (0.0, 0.0, 0.25, 0.75))


def central(square: Tensor, side: int, axis: int = 1) -> Tensor:
    """The middle of squares of S pixels, of at most `side` pixels.

    Args:
        square: Any tensor with S rows and S columns.
        side: Side of the middle.
        axis: The axis of the rows; that of the columns follows.
    """
    whole = square.shape[axis]
    begin, size = window_begin(whole, side), min(whole, side)
    return square.narrow(axis, begin, size).narrow(axis + 1, begin, size)


def window_begin(whole: int, side: int) -> int:
    """First row and column of the central square of `side` pixels in one of `whole` pixels."""
    return max(whole - side, 0) // 2


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


def on_grid(map_: Tensor, side: int) -> Tensor:
    """Put a map (N, h, w) of a central window, with places of `GRID` pixels, on that of the crop.

    Args:
        map_: The map.
        side: Side of the crop.

    Returns:
        (N, side // GRID, side // GRID), 0 around the window; the map itself if that is smaller. If
        the margins are no whole places, it lies up to half a place off.
    """
    more = max(side // GRID - map_.shape[-1], 0)
    before, after = more // 2, more - more // 2
    return pad(map_, (before, after, before, after))


def overlap(count: int, stride: float, begin: int, side: int) -> Tensor:
    """Fraction of each place along one axis of a map that lies in each place of the grid.

    What lies beyond the crop is lost; there is no cell. For a map M of a window, the product
    `overlap.T @ M @ overlap` is its map on the grid of the crop, with the same sum.

    Args:
        count: Number of places of the map.
        stride: Side of a place of the map, in original pixels.
        begin: Position of the first in the crop, in original pixels.
        side: Side of the crop.

    Returns:
        float32 (count, side // GRID).
    """
    first = torch.arange(count)[:, None] * stride + begin
    edge = torch.arange(side // GRID)[None] * GRID
    shared = torch.minimum(first + stride, edge + GRID) - torch.maximum(first, edge)
    return (shared.clamp(min=0) / stride).float()
