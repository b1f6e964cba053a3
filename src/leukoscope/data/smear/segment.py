"""Outlines of the white cells of a field: nuclei by their stain, cytoplasm by its hue, touching
cells split.

Segmentation runs at a working scale at which a nucleus is some 40 px wide, so that its parameters
are lengths in µm and a field takes a fraction of a second.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.data.smear.density import Densities, nuclear_mask, stained_mask

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]

WORKING_UM_PER_PX = 0.2
CYTOPLASM_REACH = 4.0
"""Farthest distance of cytoplasm from a nucleus, µm."""
EDGE = 0.5
"""Width of the blurred edge of a nucleus, µm; a thinner band of cytoplasm is not seen."""
CROWDED = 0.3
"""Fraction of a 5 x 5 square above which its pixels are a band, and not single ones."""
OPENING = 0.7
"""Half the width of a thread that does not belong to a cell, µm."""
WHOLE_NUCLEUS = 3.0
"""Radius in µm of the largest disk in a nucleus; in a lobe of a neutrophil it is smaller."""
NECK = 0.78
"""Relative width of a neck at which two nuclei are separate."""
LOBES_APART = 6.5
"""Distance in µm of the middles of two parts below which they are one nucleus, if one is small
or they are connected."""
LOBES_REACH = 10.0
"""The same for two small parts in one cell body: lobes of a neutrophil."""
HUE_FRACTION = 0.4
"""Hue of cytoplasm on the way from that of red cells to that of nuclei."""
PALE = 0.12
"""Density, summed over the colors, from which a pixel can be cytoplasm."""
NO_RED_CELLS = 0.3
"""Least hue of cytoplasm in a field without red cells."""


@dataclass(frozen=True)
class Segmentation:
    """White cells of a field at the working scale.

    Attributes:
        cells: int32 `(h, w)`, 0 or the number of a cell, from 1.
        nuclei: bool `(h, w)`.
        touching: Numbers of cells that were split from a neighbor.
    """

    cells: Labels
    nuclei: Mask
    touching: frozenset[int]


Segmenter = Callable[[NDArray[np.uint8], Densities, float], Segmentation]
"""Image at the working scale, its densities, and µm per px, to the segmentation."""


def segment(image: NDArray[np.uint8], field: Densities, um_per_px: float) -> Segmentation:
    """Segment by stain, hue and distance transforms.

    Args:
        image: uint8 RGB `(h, w, 3)` at the working scale; not used.
        field: Its densities.
        um_per_px: Its scale.
    """
    nuclei = _to_half_height(_opened(nuclear_mask(field), 0.4 / um_per_px), field.nuclear)
    body = _with_cytoplasm(field, nuclei, um_per_px)
    parts = _parts(nuclei, body, um_per_px)
    return _grown(body, parts, nuclei)


def _to_half_height(nuclei: Mask, contrast: NDArray[np.float32]) -> Mask:
    """Add the pixels beside each nucleus that have half of its own contrast, where its edge is.

    The threshold of the field is above half of a pale nucleus, and cuts it too small.
    """
    count, found = cv2.connectedComponents(nuclei.astype(np.uint8), connectivity=8)
    pieces = np.asarray(found, np.int32)
    inside = pieces[nuclei]
    weight = np.bincount(inside, contrast[nuclei], count)
    mean = weight / np.maximum(np.bincount(inside, minlength=count), 1)
    owner = cv2.dilate(pieces.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
    beside = (owner > 0) & ~nuclei
    half = (mean / 2).astype(np.float32)[owner]
    return nuclei | (beside & (contrast > half))


def _with_cytoplasm(field: Densities, nuclei: Mask, um_per_px: float) -> Mask:
    """Nuclei and the stained pixels around them whose hue is not that of red cells."""
    away = cv2.distanceTransform((~nuclei).astype(np.uint8), cv2.DIST_L2, 3) * um_per_px
    stained = stained_mask(field, nuclei)
    far = stained & (away > CYTOPLASM_REACH)
    own = float(np.median(field.hue[nuclei])) if nuclei.any() else 1.0
    others = float(np.median(field.hue[far])) if np.count_nonzero(far) > 100 else -1.0
    level = others + HUE_FRACTION * (own - others) if others >= 0 else NO_RED_CELLS
    pale = field.whole > PALE
    band = pale & (field.hue > level) & (away < CYTOPLASM_REACH)
    # The blurred edge of a bare nucleus has its hue too, but does not reach as far as cytoplasm.
    beyond = (band & (away > EDGE)).astype(np.float32)
    sure = (beyond > 0) & (cv2.blur(beyond, (5, 5)) > CROWDED)
    band &= _dilated(sure, 1.5 * EDGE / um_per_px)
    body = _opened(band | nuclei, OPENING / um_per_px) | nuclei
    return _filled(body)


def _parts(nuclei: Mask, body: Mask, um_per_px: float) -> Labels:
    """Number each nucleus, int32 `(h, w)`: touching ones apart, lobes of one cell together."""
    depth = cv2.distanceTransform(_filled(nuclei).astype(np.uint8), cv2.DIST_L2, 5)
    soft = np.asarray(cv2.GaussianBlur(depth, (0, 0), 0.3 / um_per_px), np.float32)
    depth = soft * np.float32(um_per_px)
    _, found = cv2.connectedComponents(nuclei.astype(np.uint8), connectivity=8)
    pieces = np.asarray(found, np.int32)
    peak = np.zeros(int(pieces.max()) + 1, np.float32)
    np.maximum.at(peak, pieces[nuclei], depth[nuclei])
    # A core is what remains of a nucleus above the neck; a nucleus without a neck is one core.
    core = nuclei & (depth > NECK * peak[pieces])
    count, labeled, _, places = cv2.connectedComponentsWithStats(
        core.astype(np.uint8), connectivity=8
    )
    cores, middles = np.asarray(labeled, np.int32), np.asarray(places, np.float64)
    if count == 1:
        return np.zeros(nuclei.shape, np.int32)
    radius = np.zeros(count, np.float32)
    np.maximum.at(radius, cores[core], depth[core])
    _, bodies = cv2.connectedComponents(body.astype(np.uint8), connectivity=8)
    owner = np.zeros((2, count), int)
    owner[:, cores[core]] = pieces[core], bodies[core]
    groups = _joined(middles * um_per_px, radius, *owner)
    return np.where(nuclei, _nearest(groups[cores]), 0).astype(np.int32)


def _joined(
    middles: NDArray[np.float64],
    radius: NDArray[np.float32],
    piece: NDArray[np.intp],
    body: NDArray[np.intp],
) -> NDArray[np.int32]:
    """Number of the nucleus of each core, from 1 without gaps; 0 stays 0.

    Args:
        middles: `(n, 2)` in µm; the first core is the background.
        radius: `(n,)` of the largest disk in it, µm.
        piece: `(n,)` the connected piece of nucleus that it belongs to.
        body: `(n,)` the connected piece of cell bodies.
    """
    root = np.arange(len(radius))
    small = radius < WHOLE_NUCLEUS
    for first in range(1, len(radius)):
        others = np.arange(first + 1, len(radius))
        others = others[body[others] == body[first]]
        gap = np.hypot(*(middles[others] - middles[first]).T)
        lobes = small[first] & small[others]
        one = small[first] | small[others] | (piece[others] == piece[first])
        for second in others[(lobes & (gap < LOBES_REACH)) | (one & (gap < LOBES_APART))]:
            root[root == root[second]] = root[first]
    return np.unique(root, return_inverse=True)[1].astype(np.int32)


def _nearest(labels: NDArray[np.int32]) -> Labels:
    """The nearest label of each pixel."""
    empty = (labels == 0).astype(np.uint8)
    _, zones = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_zone = np.zeros(int(zones.max()) + 1, np.int32)
    of_zone[zones[labels > 0]] = labels[labels > 0]
    return np.asarray(of_zone[zones], np.int32)


def _grown(body: Mask, parts: Labels, nuclei: Mask) -> Segmentation:
    """Give each pixel of the body to the nearest nucleus, if it is connected to it."""
    if not parts.any():
        return Segmentation(parts, nuclei, frozenset())
    cells = np.where(body, _nearest(parts), 0).astype(np.int32)
    found = numbered(cells, nuclei)
    # Cut off where two cells meet, so that a piece belongs to one cell.
    own = (cells > 0) & ~_meeting(cells)
    _, pieces = cv2.connectedComponents(own.astype(np.uint8), connectivity=4)
    holding = np.zeros(int(pieces.max()) + 1, bool)
    holding[pieces[parts > 0]] = True
    holding[0] = False
    stray = (pieces > 0) & ~holding[pieces]
    cells[stray] = 0
    return Segmentation(cells, nuclei, found.touching)


def numbered(cells: Labels, nuclei: Mask) -> Segmentation:
    """A segmentation of numbered cells, with those that touch another."""
    return Segmentation(cells, nuclei, frozenset(cells[_meeting(cells)].tolist()))


def _meeting(cells: Labels) -> Mask:
    """Pixels of cells beside a pixel of another cell."""
    square = np.ones((3, 3), np.uint8)
    highest = cv2.dilate(cells.astype(np.float32), square)
    others = np.where(cells > 0, cells, int(cells.max()) + 1).astype(np.float32)
    lowest = cv2.erode(others, square)
    return (cells > 0) & ((highest != cells) | (lowest != cells))


def _opened(mask: Mask, radius: float) -> Mask:
    plane = mask.astype(np.uint8)
    return np.asarray(cv2.morphologyEx(plane, cv2.MORPH_OPEN, _disk(radius)), bool)


def _dilated(mask: Mask, radius: float) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _disk(radius)), bool)


def _disk(radius: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _filled(mask: Mask) -> Mask:
    """The mask without holes."""
    outlines, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return filled > 0
