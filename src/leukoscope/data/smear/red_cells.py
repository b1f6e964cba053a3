"""Scale of a field by its red cells, whose median diameter is about 7.5 µm."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.data.smear.density import (
    densities,
    ground_color,
    nuclear_mask,
    reduced_image,
    stained_mask,
)

RED_CELL_UM = 7.5
RED_CELL_SPREAD = 0.07
"""Relative spread of the median diameter between healthy persons and smears: in dry smears means
of 6.7 to 7.7 µm (7.2) and up to 8 are reported."""
LONGEST = 800
"""Side in px to which a field is reduced to measure its red cells."""
ROUND, SOLID = 0.80, 0.93
"""Least ratio of the axes and least solidity of a red cell that stands alone and lies flat."""
FEWEST = 8
"""Fewest red cells for an estimate."""
SMALLEST_PX = 8.0
"""Smallest diameter in the reduced field; below are specks."""


@dataclass(frozen=True)
class ScaleEstimate:
    """Scale estimated from red cells.

    Attributes:
        um_per_px: The estimate.
        error: Its relative standard error, with the spread between persons.
        red_cells: Number of red cells it is based on.
    """

    um_per_px: float
    error: float
    red_cells: int


@dataclass(frozen=True)
class RedCells:
    """Diameters of the red cells of one field, in px.

    Attributes:
        alone: `(n,)` of those that stand alone and lie flat, from their areas.
        in_clumps: `(m,)` of those in clumps, from the largest disks in them.
    """

    alone: NDArray[np.float64]
    in_clumps: NDArray[np.float64]


def measure_red_cells(image: NDArray[np.uint8]) -> RedCells:
    """Measure the red cells of a field, uint8 RGB `(H, W, 3)`."""
    factor = min(1.0, LONGEST / max(image.shape[:2]))
    small = reduced_image(image, factor)
    field = densities(small, ground_color(small), 1.0)
    nuclei = nuclear_mask(field)
    stained = stained_mask(field, nuclei).astype(np.uint8)
    _, pieces = cv2.connectedComponents(stained, connectivity=4)
    white = np.zeros(int(pieces.max()) + 1, bool)
    white[pieces[nuclei]] = True  # red cells have no nucleus
    red = (stained > 0) & ~white[pieces]
    outlines, _ = cv2.findContours(red.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    alone, clumps = [], np.zeros(red.shape, np.uint8)
    for outline in outlines:
        if len(outline) <= SMALLEST_PX:
            continue
        diameter = _diameter(outline, small.shape)
        if diameter > SMALLEST_PX:
            alone.append(diameter)
        elif not diameter:
            cv2.drawContours(clumps, [outline], -1, 1, cv2.FILLED)
    return RedCells(np.array(alone) / factor, _largest_disks(clumps) / factor)


def estimate_scale(fields: Sequence[RedCells]) -> ScaleEstimate | None:
    """Scale of fields of one microscope by their red cells.

    Args:
        fields: Red cells of each.

    Returns:
        The estimate; None with fewer than `FEWEST` red cells.
    """
    alone = _alike(np.concatenate([*(field.alone for field in fields), np.empty(0)]))
    values = alone
    if alone.size < FEWEST:
        clumped = [field.in_clumps for field in fields]
        values = _alike(np.concatenate([alone, *clumped, np.empty(0)]))
    if values.size < FEWEST:
        return None
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values / middle - 1)))
    error = float(np.hypot(RED_CELL_SPREAD, 1.2533 * spread / np.sqrt(values.size)))
    return ScaleEstimate(RED_CELL_UM / middle, error, int(values.size))


def _alike(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The diameters near the one that covers most of the area: no platelet, speck or clump."""
    if not values.size:
        return values
    ordered = np.sort(values)
    covered = np.cumsum(ordered**2)
    middle = float(ordered[np.searchsorted(covered, covered[-1] / 2)])
    for _ in range(3):
        near = values[np.abs(values / middle - 1) < 0.3]
        middle = float(np.median(near)) if near.size else middle
    return values[np.abs(values / middle - 1) < 0.3]


def _largest_disks(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Diameters of the largest disks around the local middles of a mask; in a clump of disks the
    middle of each is as far from the outside as its radius.
    """
    depth = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5)
    soft = cv2.GaussianBlur(depth, (0, 0), 1.0)
    top = cv2.dilate(soft, np.ones((9, 9), np.uint8))
    peaks = (soft == top) & (depth > SMALLEST_PX / 2)
    return 2 * depth[peaks].astype(np.float64)


def _diameter(outline: NDArray[np.int32], shape: tuple[int, ...]) -> float:
    """Diameter of a disk with the area of an outline; 0 if it is not one whole, flat red cell."""
    left, top, width, height = cv2.boundingRect(outline)
    if left == 0 or top == 0 or left + width >= shape[1] or top + height >= shape[0]:
        return 0.0
    area = cv2.contourArea(outline)
    hull = cv2.contourArea(cv2.convexHull(outline))
    if area <= 0 or area < SOLID * hull:
        return 0.0
    _, axes, _ = cv2.fitEllipse(outline)
    if min(axes) < ROUND * max(axes):
        return 0.0
    # The contour runs through the centers of the outermost pixels, half a pixel inside.
    return float(2 * np.sqrt(area / np.pi) + 1)
