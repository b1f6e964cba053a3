"""Find the cells of one field and cut them out: from a picture to objects and images."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.foreground import on_black
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX
from leukoscope.data.smear.cut import cut_out
from leukoscope.data.smear.density import densities, ground_color, nuclear_mask, reduced_image
from leukoscope.data.smear.found import (
    Found,
    Measured,
    SmearFlag,
    first_reason,
    measured_objects,
)
from leukoscope.data.smear.segment import WORKING_UM_PER_PX, Segmenter, segment

BLUR_UM = 0.2
"""Standard deviation of the blur against noise, µm."""
USUAL_NUCLEUS_UM = 9.0
"""Diameter of a nucleus from which the working scale is guessed where no scale is known. It sets
only the lengths of the segmentation: no size in µm is stated then."""
LONGEST_GUESS = 800
"""Side in px to which a field is reduced for that guess."""
MOST_WORKING_PIXELS = 16_000_000
"""Pixels of a field at the working scale, 0.6 mm² of a smear; memory is bounded by them."""
SHORTEST_SIDE = 8
"""Shortest side of a picture in px: a cell is wider at the coarsest scale, 1 µm per pixel."""
ON_BLACK = (
    "already cells on black: `leukoscope predict` and `leukoscope train` read them as they are"
)


@dataclass(frozen=True)
class CellImage:
    """An object of a field with its image.

    Attributes:
        found: The object.
        image: uint8 RGB `(450, 450, 3)` on black at C-NMC's scale, or at the field's own where
            that is unknown; None if it is left out.
    """

    found: Found
    image: NDArray[np.uint8] | None


def cells_of_field(
    image: NDArray[np.uint8],
    um_per_px: float | None,
    *,
    segmenter: Segmenter = segment,
    keep: Collection[str] = (),
) -> list[CellImage]:
    """Find the white cells of a field, and cut out those that are whole and single.

    Args:
        image: uint8 RGB `(H, W, 3)`, a stained smear on a bright background, or a crop of it.
        um_per_px: Scale of the field; None if unknown.
        segmenter: Gives the outlines.
        keep: Flags that are no reason to leave an object out.

    Returns:
        The objects from top to bottom.

    Raises:
        ImageError: The picture is too small for a cell or already a cell on black, has one color,
            or shows too large a part of a smear. Without a file name.
    """
    return list(each_cell(image, um_per_px, segmenter=segmenter, keep=keep))


def each_cell(
    image: NDArray[np.uint8],
    um_per_px: float | None,
    *,
    segmenter: Segmenter = segment,
    keep: Collection[str] = (),
) -> Iterator[CellImage]:
    """Like `cells_of_field`, one by one: a hostile picture has more objects than memory holds."""
    if min(image.shape[:2]) < SHORTEST_SIDE:
        height, width = image.shape[:2]
        raise ImageError(f"{width} x {height} pixels is too small to show a cell.")
    if int(image.max()) - int(image.min()) < 8:
        raise ImageError("has one color only; there is no cell on it.")
    if on_black(image):
        raise ImageError(f"{ON_BLACK}.")
    ground = ground_color(image)
    scale = um_per_px or guessed_scale(image, ground)
    reduced = scale / WORKING_UM_PER_PX  # working pixels per pixel of the field
    if image.shape[0] * image.shape[1] * reduced**2 > MOST_WORKING_PIXELS:
        height, width = (side * scale / 1000 for side in image.shape[:2])
        raise ImageError(
            f"would show {width:.1f} x {height:.1f} mm of a smear at {scale:.3g} µm per pixel. "
            "Check the scale, or cut the picture into smaller ones."
        )
    small = reduced_image(image, reduced)
    field = densities(small, ground, BLUR_UM / WORKING_UM_PER_PX)
    segmented = segmenter(small, field, WORKING_UM_PER_PX)
    factor = um_per_px / CNMC_UM_PER_PX if um_per_px else 1.0
    for measured in measured_objects(field, segmented, WORKING_UM_PER_PX):
        yield _cut(image, measured, reduced, factor, um_per_px, frozenset(keep))


def guessed_scale(image: NDArray[np.uint8], ground: NDArray[np.float64]) -> float:
    """A rough µm per px by the size of the nuclei; by the frame without nuclei."""
    factor = min(1.0, LONGEST_GUESS / max(image.shape[:2]))
    small = reduced_image(image, factor)
    nuclei = nuclear_mask(densities(small, ground, 1.5))
    _, _, stats, _ = cv2.connectedComponentsWithStats(nuclei.astype(np.uint8))
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])
    if not areas.size or areas[-1] < 50:
        return USUAL_NUCLEUS_UM / (0.3 * min(image.shape[:2]))
    covered = np.cumsum(areas)
    usual = areas[np.searchsorted(covered, covered[-1] / 2)]
    return USUAL_NUCLEUS_UM / (2 * float(np.sqrt(usual / np.pi)) / factor)


def _cut(
    image: NDArray[np.uint8],
    measured: Measured,
    reduced: float,
    factor: float,
    um_per_px: float | None,
    keep: frozenset[str],
) -> CellImage:
    flags = measured.flags if um_per_px else (*measured.flags, SmearFlag.NO_SCALE)
    reason = first_reason(flags, keep)
    cell = None
    if not reason:
        cell = cut_out(image, measured.mask, measured.window, reduced, factor)
        if cell is None:
            flags = (*flags, SmearFlag.TOO_LARGE)
            reason = str(SmearFlag.TOO_LARGE)
    found = measured.found(reduced, known_scale=um_per_px is not None, flags=flags, reason=reason)
    return CellImage(found, cell)
