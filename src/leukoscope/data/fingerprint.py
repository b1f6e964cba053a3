"""The fingerprint of a cell: two small pictures by which the same cell is known again.

Both are drawn on a grid centred on the cell's centroid, so a shift of the frame drops out and a quarter turn or a flip of
the image is the same turn or flip of the grid. `shade` is the grey level inside the cell, brought to mean 0 and norm 1:
a gain or an offset drops out. `texture` is what remains between two Gaussian blurs, the middle scales of chromatin: it
says nothing of the bright rim and dark nucleus that all cells share, nor of the fine detail that focus and JPEG change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SHADE_GRID = 48
TEXTURE_GRID = 96
#: Original pixels per texture step for C-NMC, whose cells are about 200 px wide.
CNMC_STEP = 3.0
#: Texture steps across a cell of typical size: 200 px at `CNMC_STEP`, rounded.
STEPS_PER_CELL = 64
#: A cell must cover this many pixels, or there is nothing to recognise it by.
MIN_CELL_PIXELS = 400
#: Share of the frame above which there is no black border, so no outline either.
FULL_FRAME = 0.98
#: Of the cell's bright level; what is darker is border, or the ringing that JPEG leaves on it.
BORDER_LEVEL = 0.15
#: Of the median grey; brighter is cytoplasm or halo, not nucleus.
PALE = 1.3
FINE_BLUR, COARSE_BLUR = 1.0, 4.0  # standard deviations, in texture steps


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of one cell.

    Attributes:
        shade: float32 (48, 48), grey level, mean 0 and norm 1 over the cell, 0 outside.
        texture: int8 (96, 96), band-passed grey level, 0 outside.
        mask: bool (96, 96), the cell without its rim.
        area: Pixels the cell covers in the original image.
        offset: Centroid minus the middle of the frame, (x right, y down) in original pixels.
        framed: Whether a black border shows the outline. Without one the whole frame is compared.
    """

    shade: NDArray[np.float32]
    texture: NDArray[np.int8]
    mask: NDArray[np.bool_]
    area: float
    offset: tuple[float, float]
    framed: bool


def solid_mask(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The cell's pixels, told from a black border that JPEG may have made uneven.

    Args:
        image: uint8 (H, W, 3) RGB.

    Returns:
        bool (H, W).
    """
    red, green, blue = cv2.split(image)  # many times faster than image.max(axis=2)
    brightest = cv2.max(cv2.max(red, green), blue)
    lit = brightest[brightest > 8]
    if lit.size == 0:
        return np.zeros(brightest.shape, dtype=bool)
    return brightest > max(8.0, BORDER_LEVEL * float(np.percentile(lit, 90)))


def cell_diameter(image: NDArray[np.uint8]) -> float:
    """Width in pixels of a disc of the cell's area; 0 where no cell shows."""
    return float(np.sqrt(np.count_nonzero(solid_mask(image)) * 4 / np.pi))


def typical_step(diameters: Sequence[float]) -> float:
    """Original pixels per texture step for a cohort, from the widths of some of its cells.

    One step for the whole cohort keeps size comparable between its cells. Steps differ by factors of two, so
    that the choice does not hang on which cells were looked at: C-NMC in whole or in part gives `CNMC_STEP`.
    """
    if len(diameters) == 0:
        return CNMC_STEP
    octaves = np.round(np.log2(float(np.median(diameters)) / STEPS_PER_CELL / CNMC_STEP))
    return CNMC_STEP * float(2.0 ** max(octaves, -3))


def fingerprint(image: NDArray[np.uint8], step: float = CNMC_STEP) -> Fingerprint | None:
    """Describe a cell so that it can be found again.

    Args:
        image: uint8 (H, W, 3) RGB, the cell on black, or a photograph without border.
        step: Original pixels per texture step, one for the whole cohort.

    Returns:
        The fingerprint, or None where the cell is too small or too even to be known again.
    """
    mask = solid_mask(image)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    framed = float(mask.mean()) < FULL_FRAME
    mask = nucleus(mask, grey) if framed else np.ones(mask.shape, dtype=bool)
    area = float(np.count_nonzero(mask))
    if area < MIN_CELL_PIXELS:
        return None
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    cover, level = (_on_grid(plane, x, y, step) for plane in (mask, grey * mask))
    shade = _shade(cover, level)
    if shade is None:
        return None
    texture, inner = _texture(cover, level)
    if np.count_nonzero(inner) < TEXTURE_GRID:
        return None
    offset = (x - (mask.shape[1] - 1) / 2, y - (mask.shape[0] - 1) / 2)
    return Fingerprint(shade, texture, inner, area, offset, framed)


def nucleus(mask: NDArray[np.bool_], grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The dark body of the cell, without pale shreds and haloes of cytoplasm.

    Two photographs of a cell agree on its nucleus; how much of the pale rim was cut out with it differs.

    Args:
        mask: bool (H, W), the cell.
        grey: uint8 (H, W).

    Returns:
        bool (H, W); the whole cell where most of it is pale.
    """
    whole = np.count_nonzero(mask)
    if whole < MIN_CELL_PIXELS:
        return mask
    dark = (mask & (grey < PALE * float(np.median(grey[mask])))).astype(np.uint8)
    width = 2 * max(1, round(np.sqrt(whole) / 40)) + 1
    brush = np.ones((width, width), np.uint8)  # square: the same after a quarter turn, and fast
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, brush)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    if count < 2:
        return mask
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    body = cv2.morphologyEx((parts == largest).astype(np.uint8), cv2.MORPH_CLOSE, brush).astype(
        bool
    )
    return body if np.count_nonzero(body) >= whole / 3 else mask


def _on_grid(plane: NDArray[Any], x: float, y: float, step: float) -> NDArray[np.float32]:
    """A plane (H, W) averaged on the (96, 96) grid centred on pixel (x, y)."""
    # Whole pixels per step are sampled and then averaged, so that nothing aliases.
    inside = max(1, round(step))
    side = TEXTURE_GRID * inside
    scale = inside / step
    middle = (side - 1) / 2
    move = np.array([[scale, 0, middle - scale * x], [0, scale, middle - scale * y]], np.float32)
    fine = cv2.warpAffine(plane.astype(np.float32), move, (side, side), flags=cv2.INTER_LINEAR)
    grid = cv2.resize(fine, (TEXTURE_GRID, TEXTURE_GRID), interpolation=cv2.INTER_AREA)
    return np.asarray(grid, np.float32)


def _shade(cover: NDArray[np.float32], level: NDArray[np.float32]) -> NDArray[np.float32] | None:
    size = (SHADE_GRID, SHADE_GRID)
    cover = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)
    level = cv2.resize(level, size, interpolation=cv2.INTER_AREA)
    inside = cover > 0.5
    if not inside.any():
        return None
    shade = np.zeros(size, np.float32)
    shade[inside] = level[inside] / cover[inside]
    shade[inside] -= shade[inside].mean()
    norm = float(np.linalg.norm(shade))
    if norm < 1e-3 * np.sqrt(np.count_nonzero(inside)) or not np.isfinite(norm):
        return None
    return shade / norm


def _texture(
    cover: NDArray[np.float32], level: NDArray[np.float32]
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    inside = (cover > 0.5).astype(np.float32)
    grey = np.where(inside > 0, level / np.maximum(cover, 1e-6), 0).astype(np.float32)

    def blurred(sigma: float) -> NDArray[np.float32]:
        # Normalised by the blurred mask, so that the black border does not darken the rim.
        weight = np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 1e-3)
        return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma) / weight, np.float32)

    band = blurred(FINE_BLUR) - blurred(COARSE_BLUR)
    inner = cv2.erode(
        inside.astype(np.uint8),
        np.ones((5, 5), np.uint8),
        borderType=cv2.BORDER_REPLICATE,
    ).astype(bool)
    spread = float(band[inner].std()) if inner.any() else 0.0
    if spread < 1e-3:
        return np.zeros(band.shape, np.int8), np.zeros(band.shape, bool)
    # 32 counts per standard deviation: four of them fit, and rounding costs nothing that matters.
    counts = np.clip(np.round(band / spread * 32), -127, 127).astype(np.int8)
    return np.where(inner, counts, np.int8(0)).astype(np.int8), inner
