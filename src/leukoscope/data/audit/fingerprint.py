"""Fingerprint of a cell: two small images by which another image of the same cell is recognized.

Both are sampled on a grid centered on the nucleus, so a shift of the frame has no effect, and a
quarter turn or a flip of the image is the same turn or flip of the grid. `shade` is the gray level
of the nucleus with mean 0 and norm 1, so gain and offset have no effect. `texture` is a difference
of two Gaussian blurs: the middle scales of chromatin, without the broad shading that all cells
share and without the fine detail that focus and JPEG change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.data.audit.nucleus import MIN_CELL_PIXELS, nucleus
from leukoscope.data.imaging.foreground import has_outline, solid_mask

SHADE_GRID = 48
TEXTURE_GRID = 96
#: Original pixels per texture step for C-NMC, whose cells are about 200 px wide.
CNMC_STEP = 3.0
#: Texture steps across a cell of typical size.
STEPS_PER_CELL = 64
#: Nucleus fraction of a step from which its texture counts.
SURE = 0.85
#: Texture steps left out at the edge, where blur and segmentation determine the texture.
RIM_STEPS = 2
#: Smallest number of texture steps that must remain.
MIN_STEPS = 200
#: Limit of the shade in standard deviations, so that a speck of glare or dirt does not dominate.
MAX_SHADE = 2.0
#: Smallest standard deviation in gray levels; a cell with less has no texture.
MIN_SPREAD = 0.05
#: Standard deviations of the two blurs, in texture steps.
FINE_BLUR, COARSE_BLUR = 1.0, 4.0


@dataclass(frozen=True)
class Fingerprint:
    """Fingerprint of one cell.

    Attributes:
        shade: float32 (48, 48), gray level, mean about 0 and norm 1, 0 outside the nucleus.
        texture: int8 (96, 96), band-passed gray level, 0 outside.
        mask: bool (96, 96), the nucleus without its rim.
        area: Area of the nucleus in original pixels.
        offset: Centroid minus the middle of the frame, (x right, y down) in original pixels.
        framed: True if a black border shows the outline. Otherwise the whole frame is compared.
        step: Original pixels per texture step.
    """

    shade: NDArray[np.float32]
    texture: NDArray[np.int8]
    mask: NDArray[np.bool_]
    area: float
    offset: tuple[float, float]
    framed: bool
    step: float


def typical_step(diameters: Sequence[float]) -> float:
    """Choose the original pixels per texture step for a cohort from the widths of some cells.

    One step for the whole cohort keeps the sizes of its cells comparable. Steps differ by factors
    of two, so that the choice does not depend on the sample of cells: C-NMC, in whole or in part,
    gives `CNMC_STEP`.
    """
    if len(diameters) == 0:
        return CNMC_STEP
    octaves = round(float(np.log2(np.median(diameters) / STEPS_PER_CELL / CNMC_STEP)))
    return CNMC_STEP * 2.0 ** max(octaves, -3)


def fingerprint(image: NDArray[np.uint8], step: float = CNMC_STEP) -> Fingerprint | None:
    """Compute the fingerprint of a cell.

    Args:
        image: uint8 (H, W, 3) RGB, the cell on black, or a photograph without border.
        step: Original pixels per texture step, the same for the whole cohort.

    Returns:
        The fingerprint, or None if the cell is too small or too uniform to be recognized.
    """
    mask = solid_mask(image)
    framed = has_outline(mask)
    mask = mask if framed else np.ones(mask.shape, dtype=bool)
    rows, columns = _window(mask)
    middle = ((mask.shape[1] - 1) / 2 - columns.start, (mask.shape[0] - 1) / 2 - rows.start)
    mask = mask[rows, columns]
    gray = np.asarray(cv2.cvtColor(image[rows, columns], cv2.COLOR_RGB2GRAY), np.uint8)
    solid = mask.astype(np.float32)
    body = nucleus(mask, gray) if framed else solid
    area = float(body.sum())
    if area < MIN_CELL_PIXELS:
        return None
    moments = cv2.moments(body)
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    fraction, cover, level = (_on_grid(p, x, y, step) for p in (body, solid, gray * solid))
    inside = fraction > SURE
    brush = np.ones((2 * RIM_STEPS + 1, 2 * RIM_STEPS + 1), np.uint8)
    eroded = cv2.erode(inside.astype(np.uint8), brush, borderType=cv2.BORDER_REPLICATE)
    inner = np.asarray(eroded, dtype=bool)
    if np.count_nonzero(inner) < MIN_STEPS:
        return None
    level[inside] /= cover[inside]
    level[~inside] = 0
    shade, texture = _shade(level, fraction * inner), _texture(level, inside, inner)
    if shade is None or texture is None:
        return None
    offset = (x - middle[0], y - middle[1])
    return Fingerprint(shade, texture, inner, area, offset, framed, step)


def _window(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of the mask with a margin; the rest of the frame would cost time."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    margin = max(width, height) // 10 + 2
    rows = slice(max(top - margin, 0), top + height + margin)
    return rows, slice(max(left - margin, 0), left + width + margin)


def _on_grid(plane: NDArray[Any], x: float, y: float, step: float) -> NDArray[np.float32]:
    """Average a plane (H, W) on the (96, 96) grid centered on pixel (x, y)."""
    # Whole pixels per step are sampled and then averaged, against aliasing.
    inside = max(1, round(step))
    side = TEXTURE_GRID * inside
    scale = inside / step
    middle = (side - 1) / 2
    move = np.array([[scale, 0, middle - scale * x], [0, scale, middle - scale * y]], np.float32)
    fine = cv2.warpAffine(plane.astype(np.float32), move, (side, side), flags=cv2.INTER_LINEAR)
    grid = cv2.resize(fine, (TEXTURE_GRID, TEXTURE_GRID), interpolation=cv2.INTER_AREA)
    return np.asarray(grid, np.float32)


def _shade(level: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32] | None:
    size = (SHADE_GRID, SHADE_GRID)
    cover = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA))
    total = np.asarray(cv2.resize(level * weight, size, interpolation=cv2.INTER_AREA))
    mean = total / np.maximum(cover, 1e-3)
    middle = float(total.sum() / cover.sum())
    spread = float(np.sqrt(((mean - middle) ** 2 * cover).sum() / cover.sum()))
    if spread < MIN_SPREAD:
        return None
    shade = np.clip(mean - middle, -MAX_SHADE * spread, MAX_SHADE * spread) * cover
    return np.asarray(shade / np.linalg.norm(shade), np.float32)


def _texture(
    level: NDArray[np.float32], inside: NDArray[np.bool_], inner: NDArray[np.bool_]
) -> NDArray[np.int8] | None:
    weight = inside.astype(np.float32)

    def blurred(sigma: float) -> NDArray[np.float32]:
        # Normalized by the blurred mask, so that the black border does not darken the rim.
        norm = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
        return np.asarray(cv2.GaussianBlur(level, (0, 0), sigma) / norm, np.float32)

    band = blurred(FINE_BLUR) - blurred(COARSE_BLUR)
    spread = float(band[inner].std())
    if spread < MIN_SPREAD:
        return None
    # 32 counts per standard deviation: int8 holds four of them, and rounding is negligible.
    counts = np.clip(np.round(band / spread * 32), -127, 127)
    return np.where(inner, counts, 0).astype(np.int8)
