"""The shape of a mask, told from its runs: the stretches of set pixels along each row.

A cell of 40,000 pixels has a few hundred runs, so what is asked of runs costs next to nothing, and
NumPy alone is enough. Rows and columns are counted in pixels from the top left corner.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Runs:
    """The runs of a mask in reading order: `row`, first column and the column after the last."""

    row: Ints
    start: Ints
    stop: Ints
    width: int

    @property
    def length(self) -> Ints:
        """Pixels of each run."""
        return self.stop - self.start

    def of(self, chosen: Mask) -> "Runs":
        """Some of the runs."""
        return Runs(self.row[chosen], self.start[chosen], self.stop[chosen], self.width)


def find_runs(mask: Mask) -> Runs:
    """The runs of a mask, bool `(H, W)`."""
    height, width = mask.shape
    flat = np.zeros(height * (width + 1) + 1, np.bool_)  # a gap ends each row, one opens the first
    flat[1:].reshape(height, width + 1)[:, :width] = mask
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    row, start = np.divmod(changes[::2], width + 1)
    return Runs(row, start, changes[1::2] - row * (width + 1), width)


def label_runs(runs: Runs, *, diagonal: bool) -> Ints:
    """Tell connected parts apart.

    Args:
        runs: Of a mask.
        diagonal: Whether pixels that meet at a corner are connected (8-neighborhood).

    Returns:
        The part of each run, numbered from 0 in reading order of their first runs.
    """
    above, below = _touching(runs, int(diagonal))
    root = np.arange(runs.row.size)
    while True:
        one, other = root[above], root[below]
        apart = one != other
        if not apart.any():
            return (np.cumsum(root == np.arange(root.size)) - 1)[root]
        # Every root joins its lowest neighbor. Two such rounds halve the roots at least, so even
        # a hostile pattern takes a logarithm of rounds.
        one, other = one[apart], other[apart]
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(root, further := root[root]):
            root = further


def fill_holes(mask: Mask) -> Mask:
    """The mask with all it encloses: background that has no way out over pixel edges."""
    around = np.pad(~mask, 1, constant_values=True)
    background = find_runs(around)
    part = label_runs(background, diagonal=False)
    if part.max() == 0:
        return mask
    around[around] = np.repeat(part == 0, background.length)  # the frame holds the first run
    return ~around[1:-1, 1:-1]


def eroded(mask: Mask, rim: int) -> Mask:
    """Where the whole square of side `2 * rim + 1` around a pixel is set, none of it outside."""
    side = 2 * rim + 1
    core = np.pad(mask, rim)
    for _ in range(2):
        reach = 1
        while reach < side:  # pixels already taken together, doubled
            step = min(reach, side - reach)
            core = core[:-step] & core[step:]
            reach += step
        core = core.T
    return core


def solidity(mask: Mask) -> float:
    """How far the largest part of a mask fills its convex hull.

    Both areas are those of polygons through the centers of pixels, holes filled, as OpenCV has
    them (`contourArea` of an outer contour from `findContours`, and of its `convexHull`). The
    outline's area needs no contour: in every square between four pixel centers it covers the whole
    if all four pixels are set and half if three are (the bit quads of Gray, "Local properties of
    binary images in two dimensions", IEEE Trans. Computers C-20, 1971).

    Args:
        mask: bool `(H, W)` with a set pixel.

    Returns:
        Area over area of the hull, at most 1; 1 where the hull has no area, as of a line. Of parts
        with one area the one of most pixels counts.
    """
    filled = fill_holes(mask)
    runs = find_runs(filled)
    part = label_runs(runs, diagonal=True)
    whole, half = _quads(filled)
    if part.max() == 0:
        largest, area = runs, float(np.count_nonzero(whole) + np.count_nonzero(half) / 2)
    else:
        areas = _areas(filled, np.repeat(part, runs.length), whole, half)
        pixels = np.bincount(part, weights=runs.length)
        best = np.lexsort([pixels, areas])[-1]
        largest, area = runs.of(part == best), float(areas[best])
    hull = _hull_area(largest)
    return area / hull if hull > 0 else 1.0


def second_moments(runs: Runs) -> NDArray[np.float64]:
    """Covariance `(2, 2)` of the columns and rows of a mask's pixels, in px squared."""
    length = runs.length.astype(float)
    pixels = length.sum()
    middle = (runs.start + runs.stop - 1) / 2
    across, down = (middle @ length) / pixels, (runs.row @ length) / pixels
    x, y = middle - across, runs.row - down
    # Around its own middle a run of n pixels has the variance (n^2 - 1) / 12.
    xx = (x**2 + (length**2 - 1) / 12) @ length
    xy, yy = (x * y) @ length, y**2 @ length
    return np.array([[xx, xy], [xy, yy]]) / pixels


def _touching(runs: Runs, reach: int) -> tuple[Ints, Ints]:
    """Pairs of runs in neighboring rows that share a column, or come within `reach` of it."""
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
    """Where all of four neighboring pixels are set, and where three are: bool `(H-1, W-1)`."""
    pixel = mask.view(np.uint8)
    pairs = pixel[:, :-1] + pixel[:, 1:]
    four = pairs[:-1] + pairs[1:]
    return four == 4, four == 3


def _areas(mask: Mask, part: Ints, whole: Mask, half: Mask) -> NDArray[np.float64]:
    """Area of the outline of each part; `part` belongs to the set pixels in reading order."""
    labels = np.zeros(mask.shape, np.int32)
    labels[mask] = part
    # Three pixels of four hold an end of each diagonal, and all four are one part.
    label = np.maximum(labels[:-1, :-1], labels[1:, 1:])
    parts = int(part.max()) + 1
    return (
        np.bincount(label[whole], minlength=parts) + np.bincount(label[half], minlength=parts) / 2
    )


def _hull_area(runs: Runs) -> float:
    """Area of the convex hull of the pixel centers of one part."""
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
    """Above 0 where the way from `a` over `b` to `c` turns upwards."""
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
