"""Scale of a field by its red cells, whose median diameter is about 7.5 µm."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.core.wording import count
from leukoscope.data.smear.density import densities, ground_color, nuclear_mask, otsu, reduced_image

Mask = NDArray[np.bool_]

RED_CELL_UM = 7.5
RED_CELL_SPREAD = 0.07
"""Relative spread of the median diameter between healthy persons and smears: in dry smears means
of 6.7 to 7.7 µm (7.2) and up to 8 are reported."""
LONGEST = 800
"""Side in px to which a field is reduced to measure its red cells."""
ROUND, SOLID = 0.80, 0.93
"""Least ratio of the axes and least solidity of a red cell that lies single and flat."""
FEWEST = 8
"""Fewest red cells for an estimate."""
DISAGREE = 2 * RED_CELL_SPREAD
"""Relative spread between fields, or between the cells of the fields, from which there is no
estimate: more than persons differ, so the magnifications differ or the objects are not red cells.
"""
SMALLEST_PX = 8.0
"""Smallest diameter in the reduced field; below are specks."""
SPECK = 0.5
"""Diameter relative to the largest disk in the red cells of the field, below which an object is a
speck."""
NOISE = 3.0
"""Standard deviations of the ground above which a pixel can be a red cell."""


@dataclass(frozen=True)
class ScaleEstimate:
    """Scale estimated from red cells.

    Attributes:
        um_per_px: The estimate; None where the red cells allow none.
        error: Its relative standard error, with the spread between persons and between fields.
        red_cells: Number of red cells that were measured.
        fields: Number of fields that have any.
        problem: Why there is no estimate, or "".
    """

    um_per_px: float | None
    error: float
    red_cells: int
    fields: int
    problem: str = ""


def measure_red_cells(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Measure the red cells of a field that lie single and flat.

    Cells that touch or overlap are left out: their outline does not show their own size.

    Args:
        image: uint8 RGB `(H, W, 3)`.

    Returns:
        float64 `(n,)`, diameters in px of the image.
    """
    factor = min(1.0, LONGEST / max(image.shape[:2]))
    small = reduced_image(image, factor)
    ground = ground_color(small)
    nuclei = nuclear_mask(densities(small, ground, 1.0))
    stained = (hemoglobin_mask(small, ground, nuclei) | nuclei).astype(np.uint8)
    outlines, _ = cv2.findContours(stained, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found, largest = [], 0.0
    for outline in outlines:
        if len(outline) <= SMALLEST_PX:
            continue
        left, top, width, height = cv2.boundingRect(outline)
        window = slice(top, top + height), slice(left, left + width)
        filled = np.zeros((height, width), np.uint8)
        cv2.drawContours(filled, [outline - np.array([left, top])], -1, 1, cv2.FILLED)
        if (nuclei[window] & (filled > 0)).any():  # red cells have no nucleus
            continue
        depth = cv2.distanceTransform(np.pad(filled & stained[window], 1), cv2.DIST_L2, 5)
        largest = max(largest, 2 * float(depth.max()))
        found.append(_diameter(np.asarray(outline, np.int32), small.shape))
    least = max(SMALLEST_PX, SPECK * largest)
    return np.array([diameter for diameter in found if diameter > least], np.float64) / factor


def hemoglobin_mask(image: NDArray[np.uint8], ground: NDArray[np.float64], nuclei: Mask) -> Mask:
    """Pixels of red cells: those with half the typical contrast, where a blurred edge is.

    Hemoglobin absorbs green and lets red through, so the difference of their densities shows pale
    red cells too, and shading of the field, which is gray, does not move it.

    Args:
        image: uint8 RGB `(h, w, 3)`.
        ground: Color of the empty background.
        nuclei: bool `(h, w)`, left out of the threshold.
    """
    light = np.log10((image.astype(np.float32) + 1) / (ground + 1).astype(np.float32))
    contrast = np.asarray(cv2.GaussianBlur(light[..., 0] - light[..., 1], (0, 0), 1.0))
    below = contrast[contrast < 0]
    noise = float(np.sqrt(np.mean(below**2))) if below.size else 0.0
    values = contrast[~nuclei]
    counts, edges = np.histogram(np.clip(values, -0.1, 0.4), 250, (-0.1, 0.4))
    high = values[values > otsu(counts.astype(np.float64), edges)]
    typical = float(np.median(high)) if high.size else 0.0
    return np.asarray(contrast > max(typical / 2, NOISE * noise), bool)


def estimate_scale(fields: Sequence[NDArray[np.float64]]) -> ScaleEstimate:
    """Scale of fields of one microscope: by the median of the medians of the fields.

    Args:
        fields: Diameters of the red cells of each, px.

    Returns:
        The estimate; without a number where too few red cells were measured, or they disagree.
    """
    fields = [field for field in fields if field.size]
    total = sum(field.size for field in fields)
    if total < FEWEST:
        few = f"only {count(total, 'red cell')} found that can be measured (at least {FEWEST})"
        return ScaleEstimate(None, 0.0, total, len(fields), few)
    middles = np.array([np.median(field) for field in fields])
    middle = float(np.median(middles))
    between = _spread(middles / middle)
    single = np.concatenate([field / m for field, m in zip(fields, middles, strict=True)])
    within = _spread(single) if len(fields) == 1 else 0.0
    if max(between, within) > DISAGREE:
        where = "fields" if between > DISAGREE else "red cells"
        differ = f"the {where} differ by {max(between, within):.0%} in the size of the red cells"
        return ScaleEstimate(None, 0.0, total, len(fields), differ)
    sampling = 1.2533 * _spread(single) / np.sqrt(total)  # of a median
    error = float(np.sqrt(RED_CELL_SPREAD**2 + between**2 + sampling**2))
    return ScaleEstimate(RED_CELL_UM / middle, error, total, len(fields))


def _spread(relative: NDArray[np.float64]) -> float:
    """Robust standard deviation of values around their median, which is near 1."""
    return 1.4826 * float(np.median(np.abs(relative - np.median(relative))))


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
