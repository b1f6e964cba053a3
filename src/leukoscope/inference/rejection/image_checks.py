"""Does an image look like one cell, cut out and centered? Measures, and the limits they keep to.

What a cell looks like is not written here: the limits come from the training cells and stand in
the model's card, so that a model of other images judges by those. NumPy alone, on every fourth
pixel: a tenth of the time that decoding takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.foreground import bounding_box, lit_mask
from leukoscope.data.imaging.image import center
from leukoscope.data.imaging.shape import find_runs, label_runs
from leukoscope.data.imaging.sharpness import central_sharpness

# Only the central square is looked at, so that no image is too large to be checked at once.
WINDOW = 640
STEP = 4
# A piece smaller than this share of the largest is a speck, such as JPEG leaves, and no object.
SPECK = 0.01

# Each measure, and what an image is called that lies below or above its limits.
MEASURES: Mapping[str, tuple[str, str]] = {
    "area": ("smaller than any known cell", "larger than any known cell"),
    "fill": ("ragged outline", "square outline"),
    "apart": ("several objects", "several objects"),
    "offset": ("off center", "off center"),
    "border": ("cut off by the frame", "cut off by the frame"),
    "sharpness": ("blurred", "grainy"),
    "brightness": ("darker than any known cell", "brighter than any known cell"),
    "redness": ("unknown color", "unknown color"),
    "greenness": ("unknown color", "unknown color"),
}
# Share of the known cells left outside at either end, and the margin beyond, as a share of the
# width between.
TRIM, MARGIN = 0.001, 0.1


@dataclass(frozen=True)
class Range:
    """What a measure of the known cells lies between."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low must not be above high, got {self.low} and {self.high}")


def image_quality(image: NDArray[np.uint8]) -> dict[str, float]:
    """Measure how an image looks as a whole.

    Args:
        image: uint8 (H, W, 3) RGB at the original scale.

    Returns:
        A value for each of `MEASURES`, nan where nothing shows: `area`, the logarithm of the pixels
        that are not black; `fill`, their share of the box around them; `apart`, the share of them
        in objects beside the largest; `offset` of the box from the middle in pixels; `border`, the
        share of the frame's outermost pixels that are not black; `sharpness`, the logarithm of the
        variance of the Laplacian in the middle of the object (Pech-Pacheco et al., "Diatom
        autofocusing in brightfield microscopy", ICPR 2000); `brightness`, the logarithm of the mean
        gray level; `redness` and `greenness`, the shares of red and green in it.
    """
    square = center(image, WINDOW) if max(image.shape[:2]) > WINDOW else image
    few = np.ascontiguousarray(square[STEP // 2 :: STEP, STEP // 2 :: STEP])
    lit = lit_mask(few)
    box = bounding_box(lit)
    if box is None:
        return dict.fromkeys(MEASURES, float("nan")) | {"area": 0.0}
    runs = find_runs(lit)
    pieces = np.bincount(label_runs(runs, diagonal=True), weights=runs.length)
    count = float(pieces.sum())
    objects = pieces[pieces >= SPECK * pieces.max()]
    height, width = (span.stop - span.start for span in box)
    middle = [(span.start + span.stop - 1) / 2 for span in box]
    away = [at - (side - 1) / 2 for at, side in zip(middle, lit.shape, strict=True)]
    color = few.reshape(-1, 3)[lit.ravel()].sum(axis=0, dtype=np.float64) / count
    gray = float(color.sum())
    return {
        "area": float(np.log(count * STEP * STEP)),
        "fill": count / float(height * width),
        "apart": 1 - float(objects.max() / objects.sum()),
        "offset": STEP * float(np.hypot(*away)),
        "border": border_share(image),
        "sharpness": central_sharpness(square, *(int(STEP * at) for at in middle)),
        "brightness": float(np.log(gray / 3)),
        "redness": float(color[0]) / gray,
        "greenness": float(color[1]) / gray,
    }


def border_share(image: NDArray[np.uint8]) -> float:
    """Share of the frame's outermost pixels that are not black."""
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return float(lit_mask(edges).mean())


def parse_ranges(seen: Sequence[Mapping[str, float]]) -> dict[str, Range]:
    """What the measures of known cells lie between.

    Args:
        seen: From `image_quality`, of cells of training and validation persons.

    Returns:
        For each measure the range of all cells but `TRIM` at either end, widened by `MARGIN`.
    """
    found = {}
    for name in MEASURES:
        values = np.array([one[name] for one in seen])
        low, high = np.nanquantile(values, [TRIM, 1 - TRIM])
        wider = MARGIN * (high - low)
        found[name] = Range(float(low - wider), float(high + wider))
    return found


def quality_flags(seen: Mapping[str, float], known: Mapping[str, Range]) -> tuple[str, ...]:
    """What is odd about an image, in words; a measure that could not be made is not odd."""
    found = []
    for name, (below, above) in MEASURES.items():
        value, usual = seen[name], known[name]
        if value < usual.low:
            found.append(below)
        elif value > usual.high:
            found.append(above)
    return tuple(dict.fromkeys(found))


def quality_text(known: Mapping[str, Range] | None) -> str:
    """The limits as `leukoscope model show` says them."""
    if known is None:
        return "not known; an image is turned away only where it is empty"
    area, fill, offset = known["area"], known["fill"], known["offset"]
    return (
        f"one object on black of {np.exp(area.low):,.0f} to {np.exp(area.high):,.0f} pixels that "
        f"fills {max(0.0, fill.low):.0%} of its box or more, at most {offset.high:.0f} pixels off "
        "center, neither blurred nor of a color that no known cell has"
    )
