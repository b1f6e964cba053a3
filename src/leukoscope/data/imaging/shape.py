"""Shape of a mask, computed from its runs: the stretches of set pixels along each row.

A cell of 40,000 pixels has a few hundred runs, so operations on runs are fast with NumPy alone.
Rows and columns are counted in pixels from the top left corner.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Runs:
    """Runs of a mask in reading order: `row`, first column `start`, one after the last `stop`."""

    row: Ints
    start: Ints
    stop: Ints
    width: int

    @property
    def length(self) -> Ints:
        """Number of pixels of each run."""
        return self.stop - self.start

    def of(self, chosen: Mask) -> "Runs":
        """Select runs by a mask."""
        return Runs(self.row[chosen], self.start[chosen], self.stop[chosen], self.width)


def find_runs(mask: Mask) -> Runs:
    """Find the runs of a mask, bool `(H, W)`."""
    height, width = mask.shape
    flat = np.zeros(height * (width + 1) + 1, np.bool_)  # a gap ends each row, one opens the first
    flat[1:].reshape(height, width + 1)[:, :width] = mask
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    row, start = np.divmod(changes[::2], width + 1)
    return Runs(row, start, changes[1::2] - row * (width + 1), width)


def label_runs(runs: Runs, *, diagonal: bool) -> Ints:
    """Label the connected components of a mask.

    Args:
        runs: Runs of the mask.
        diagonal: Connect pixels that meet at a corner (8-neighborhood).

    Returns:
        Component of each run, numbered from 0 in reading order of their first runs.
    """
    above, below = _touching(runs, int(diagonal))
    root = np.arange(runs.row.size)
    while True:
        upper, lower = root[above], root[below]
        apart = upper != lower
        if not apart.any():
            return (np.cumsum(root == np.arange(root.size)) - 1)[root]
        # Every root joins its lowest neighbor. Two such rounds halve the roots at least, so even
        # a hostile pattern takes a logarithm of rounds.
        upper, lower = upper[apart], lower[apart]
        np.minimum.at(root, np.maximum(upper, lower), np.minimum(upper, lower))
        while not np.array_equal(root, further := root[root]):
            root = further


def fill_holes(mask: Mask) -> Mask:
    """Fill the holes of a mask: background that is not 4-connected to the outside."""
    around = np.pad(~mask, 1, constant_values=True)
    background = find_runs(around)
    component = label_runs(background, diagonal=False)
    if component.max() == 0:
        return mask
    around[around] = np.repeat(component == 0, background.length)  # the frame holds the first run
    return ~around[1:-1, 1:-1]


def eroded(mask: Mask, rim: int) -> Mask:
    """Erode a mask with a square of side `2 * rim + 1`; outside the image nothing is set."""
    side = 2 * rim + 1
    core = np.pad(mask, rim)
    for _ in range(2):
        reach = 1
        while reach < side:  # doubles the number of pixels that are combined
            step = min(reach, side - reach)
            core = core[:-step] & core[step:]
            reach += step
        core = core.T
    return core


def solidity(mask: Mask) -> float:
    """Solidity of the largest component of a mask: area divided by the area of its convex hull.

    Both areas are those of polygons through the centers of pixels, holes filled, as OpenCV has
    them (`contourArea` of an outer contour from `findContours`, and of its `convexHull`). The
    outline's area needs no contour: in every square between four pixel centers it covers the whole
    if all four pixels are set and half if three are (the bit quads of Gray, "Local properties of
    binary images in two dimensions", IEEE Trans. Computers C-20, 1971).

    Args:
        mask: bool `(H, W)` with a set pixel.

    Returns:
        Area divided by hull area, at most 1; 1 if the hull has no area, as for a line. Among
        components of equal area the one with the most pixels counts.
    """
    filled = fill_holes(mask)
    runs = find_runs(filled)
    component = label_runs(runs, diagonal=True)
    whole, half = _quads(filled)
    if component.max() == 0:
        largest, area = runs, float(np.count_nonzero(whole) + np.count_nonzero(half) / 2)
    else:
        areas = _areas(filled, np.repeat(component, runs.length), whole, half)
        pixels = np.bincount(component, weights=runs.length)
        best = np.lexsort([pixels, areas])[-1]
        largest, area = runs.of(component == best), float(areas[best])
    hull = _hull_area(largest)
    return area / hull if hull > 0 else 1.0


def second_moments(runs: Runs) -> NDArray[np.float64]:
    """Covariance `(2, 2)` of the column and row numbers of a mask's pixels, in px²."""
    length = runs.length.astype(float)
    pixels = length.sum()
    middle = (runs.start + runs.stop - 1) / 2
    across, down = (middle @ length) / pixels, (runs.row @ length) / pixels
    x, y = middle - across, runs.row - down
    # A run of n pixels has the variance (n^2 - 1) / 12 around its center.
    xx = (x**2 + (length**2 - 1) / 12) @ length
    xy, yy = (x * y) @ length, y**2 @ length
    return np.array([[xx, xy], [xy, yy]]) / pixels


def _touching(runs: Runs, reach: int) -> tuple[Ints, Ints]:
    """Pairs of runs in neighboring rows whose columns overlap or are at most `reach` apart."""
    stride = runs.width + 2  # so that a reach past the edge stays clear of the next row's columns
    next_row = (runs.row + 1) * stride
    first = np.searchsorted(
        runs.row * stride + runs.stop, next_row + runs.start - reach, side="right"
    )
    last = np.searchsorted(runs.row * stride + runs.start, next_row + runs.stop + reach)
    count = np.maximum(last - first, 0)
    above = np.repeat(np.arange(runs.row.size), count)
    step = np.arange(above.size) - np.repeat(np.cumsum(count) - count, count)
    return above, np.repeat(first, count) + step


def _quads(mask: Mask) -> tuple[Mask, Mask]:
    """Masks `(H-1, W-1)` of the 2x2 squares with all four pixels set, and with three set."""
    pixel = mask.view(np.uint8)
    pairs = pixel[:, :-1] + pixel[:, 1:]
    four = pairs[:-1] + pairs[1:]
    return four == 4, four == 3


def _areas(mask: Mask, component: Ints, whole: Mask, half: Mask) -> NDArray[np.float64]:
    """Polygon area of each component; one label per set pixel in reading order."""
    labels = np.zeros(mask.shape, np.int32)
    labels[mask] = component
    # Three of four pixels include an end of each diagonal, and all four belong to one component.
    label = np.maximum(labels[:-1, :-1], labels[1:, 1:])
    count = int(component.max()) + 1
    return (
        np.bincount(label[whole], minlength=count) + np.bincount(label[half], minlength=count) / 2
    )


def _hull_area(runs: Runs) -> float:
    """Area of the convex hull of the pixel centers of one component."""
    turn = np.diff(runs.row) > 0
    first, last = np.append(True, turn), np.append(turn, True)
    rows, left, right = runs.row[first], runs.start[first], runs.stop[last] - 1
    return -_below_hull(rows, -right) - _below_hull(rows, left)


def _below_hull(x: Ints, y: Ints) -> float:
    """Integral of the lower edge of the convex hull of points sorted by `x` (Andrew's chain)."""
    edge: list[tuple[int, int]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        while len(edge) > 1 and _turn(edge[-2], edge[-1], point) <= 0:
            edge.pop()
        edge.append(point)
    corners = np.array(edge, dtype=float)
    return float(np.diff(corners[:, 0]) @ (corners[1:, 1] + corners[:-1, 1]) / 2)


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    """Above 0 if the path from `a` through `b` to `c` turns upwards."""
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
