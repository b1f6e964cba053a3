"""One object of a field: its measures, its flags, and why it is left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.data.smear.density import Densities, otsu
from leukoscope.data.smear.segment import Segmentation

Mask = NDArray[np.bool_]


class SmearFlag(StrEnum):
    """Remarks on an object of a smear field."""

    PLATELET = "platelet"
    DIRT = "dirt"
    TOO_SMALL = "too small"
    TOO_LARGE = "too large"
    LOBED = "lobed nucleus"
    SMUDGE = "smudge"
    CUT = "cut by the border"
    TOUCHING = "touching"
    NO_SCALE = "unknown scale"


LEAVE_OUT = (
    SmearFlag.DIRT,
    SmearFlag.PLATELET,
    SmearFlag.TOO_SMALL,
    SmearFlag.CUT,
    SmearFlag.SMUDGE,
    SmearFlag.TOO_LARGE,
    SmearFlag.LOBED,
)
"""Flags of objects that are not taken unless asked for, the most certain first."""

PLATELET_UM = 4.0
"""Diameter of a nucleus below which an object is a platelet: red cells are 7.5 µm wide, platelets
2 to 4."""
SMALLEST_UM = 5.5
"""Smallest diameter of the nucleus of a white cell."""
SMUDGE_UM = 12.5
"""Diameter of a nucleus from which a pale or ragged one is a smudge."""
LARGEST_UM = 22.0
"""Largest diameter of a cell: the side of a C-NMC image at its scale."""
TINT = 1.3
"""Green density relative to the mean of red and blue; 1 in black dirt, 1.5 and more in nuclei."""
SOLID_NUCLEUS = 0.86
"""Solidity below which a nucleus is lobed or indented."""
RAGGED = 0.92
"""Solidity below which a large nucleus is ragged."""
MAIN_LOBE = 0.75
"""Fraction of the nucleus in its largest piece below which it is lobed."""
EVEN = 0.65
"""Contrast outside relative to inside a nucleus below which a threshold of its own is sharp."""
FINER = 4
"""Steps per working pixel of an outline."""
PALE = 0.55
"""Nuclear contrast relative to the other nuclei of the field below which a nucleus is pale."""


@dataclass(frozen=True)
class Found:
    """An object of a field; places and lengths in pixels of the field.

    Attributes:
        outline: float64 `(n, 2)` columns x and y.
        box: Left, top, right, bottom.
        diameter_um: Diameter of a disk with the area of the cell, µm; None at an unknown scale.
        nucleus_fraction: Fraction of the cell's area that the nucleus covers.
        solidity: Area of the nucleus relative to its convex hull.
        pieces: Number of pieces of the nucleus.
        flags: Remarks.
        left_out: The flag that it is left out for, or "".
    """

    outline: NDArray[np.float64]
    box: tuple[float, float, float, float]
    diameter_um: float | None
    nucleus_fraction: float
    solidity: float
    pieces: int
    flags: tuple[SmearFlag, ...]
    left_out: str


@dataclass(frozen=True)
class Measures:
    """Measures of an object at the working scale, areas in px."""

    area: float
    nucleus: float
    solidity: float
    pieces: int
    main_piece: float
    contrast: float
    tint: float

    def nucleus_um(self, um_per_px: float) -> float:
        """Diameter of a disk with the area of the nucleus, µm."""
        return 2 * float(np.sqrt(self.nucleus / np.pi)) * um_per_px

    def cell_um(self, um_per_px: float) -> float:
        """Diameter of a disk with the area of the cell, µm."""
        return 2 * float(np.sqrt(self.area / np.pi)) * um_per_px


@dataclass(frozen=True)
class Measured:
    """An object at the working scale.

    Attributes:
        mask: bool, in its window.
        window: Rows and columns.
        measures: Its measures.
        flags: Remarks.
        um_per_px: The working scale.
    """

    mask: Mask
    window: tuple[slice, slice]
    measures: Measures
    flags: tuple[SmearFlag, ...]
    um_per_px: float

    def found(
        self, reduced: float, *, known_scale: bool, flags: tuple[SmearFlag, ...], reason: str
    ) -> Found:
        """The object in pixels of the field, of which each is `reduced` working pixels."""
        rows, columns = self.window
        corner = np.array([columns.start, rows.start])
        outline = (smooth_outline(self.mask) + corner) / reduced
        box = (columns.start, rows.start, columns.stop, rows.stop)
        left, top, right, bottom = (value / reduced for value in box)
        measures = self.measures
        return Found(
            outline=outline,
            box=(left, top, right, bottom),
            diameter_um=measures.cell_um(self.um_per_px) if known_scale else None,
            nucleus_fraction=measures.nucleus / measures.area,
            solidity=measures.solidity,
            pieces=measures.pieces,
            flags=flags,
            left_out=reason,
        )


def measured_objects(
    field: Densities, segmented: Segmentation, um_per_px: float
) -> Iterator[Measured]:
    """Measure and flag each object of a segmented field.

    Args:
        field: Densities at the working scale.
        segmented: The cells.
        um_per_px: The working scale.
    """
    height, width = segmented.cells.shape
    measured = []
    for number, window in _windows(segmented.cells):
        mask = segmented.cells[window] == number
        nucleus = mask & segmented.nuclei[window]
        if nucleus.any():
            tight = tight_nucleus(field.nuclear[window], mask, nucleus)
            measured.append((number, window, mask, measure(field, window, mask, tight)))
    whole = [m.contrast for *_, m in measured if m.nucleus_um(um_per_px) >= SMALLEST_UM]
    usual = float(np.median(whole)) if whole else 0.0
    for number, window, mask, measures in measured:
        rows, columns = window
        at_border = rows.start == 0 or columns.start == 0
        at_border |= rows.stop == height or columns.stop == width
        touching = (SmearFlag.TOUCHING,) if number in segmented.touching else ()
        flags = (*_flags(measures, um_per_px, usual, at_border), *touching)
        yield Measured(mask, window, measures, flags, um_per_px)


def measure(field: Densities, window: tuple[slice, slice], mask: Mask, nucleus: Mask) -> Measures:
    """Measure one object in its window."""
    outlines, _ = cv2.findContours(
        nucleus.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    areas = np.array([cv2.contourArea(outline) for outline in outlines]) + 1.0
    hull = cv2.contourArea(cv2.convexHull(np.concatenate(outlines))) + 1.0
    density = field.rgb[window][nucleus].mean(axis=0)
    return Measures(
        area=float(np.count_nonzero(mask)),
        nucleus=float(np.count_nonzero(nucleus)),
        solidity=float(areas.sum() / hull),
        pieces=int(np.sum(areas >= 0.05 * areas.sum())),
        main_piece=float(areas.max() / areas.sum()),
        contrast=float(field.nuclear[window][nucleus].mean()),
        tint=float(density[1] / max(float(density[0] + density[2]) / 2, 1e-3)),
    )


def tight_nucleus(contrast: NDArray[np.float32], mask: Mask, nucleus: Mask) -> Mask:
    """The nucleus by a threshold of its own, where cytoplasm is nearly as dark as pale nuclei.

    Args:
        contrast: Nuclear contrast in the window of a cell.
        mask: The cell.
        nucleus: Its nucleus by the threshold of the field, returned where the cell is even.
    """
    values = contrast[mask]
    top = float(values.max())
    counts, edges = np.histogram(values, 64, (0, max(top, 0.01)))
    high = contrast > otsu(counts.astype(np.float64), edges)
    inner, outer = mask & high, mask & ~high
    if not inner.any() or not outer.any():
        return nucleus
    uneven = contrast[outer].mean() < EVEN * contrast[inner].mean()
    return inner if uneven else nucleus


def smooth_outline(mask: Mask) -> NDArray[np.float64]:
    """Outline of a mask between its pixels, `(n, 2)` x and y from the outer corner of the first.

    It is the one along which `cut.cut_out` cuts.
    """
    wide = np.asarray(cv2.GaussianBlur(np.pad(mask.astype(np.float32), 2), (0, 0), 1.0))
    fine = cv2.resize(wide, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR)
    inside = (np.asarray(fine) > 0.5).astype(np.uint8)
    outlines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:  # a few pixels, which the blur dissolves
        rows, columns = np.nonzero(mask)
        return np.asarray(np.stack([columns, rows], axis=1) + 0.5, np.float64)
    outline = cv2.approxPolyDP(max(outlines, key=cv2.contourArea), 0.7, closed=True)[:, 0]
    return np.asarray((outline + 0.5) / FINER - 2, np.float64)


def first_reason(flags: tuple[SmearFlag, ...], keep: frozenset[str]) -> str:
    """The reason to leave an object out, or "".

    Args:
        flags: Its flags.
        keep: Flags that are no reason.
    """
    return next((str(flag) for flag in LEAVE_OUT if flag in flags and flag not in keep), "")


def _flags(
    measures: Measures, um_per_px: float, usual: float, at_border: bool
) -> tuple[SmearFlag, ...]:
    nucleus, cell = measures.nucleus_um(um_per_px), measures.cell_um(um_per_px)
    pale = measures.contrast < PALE * usual
    lobed = measures.solidity < SOLID_NUCLEUS or measures.main_piece < MAIN_LOBE
    smudge = nucleus > SMUDGE_UM and (pale or measures.solidity < RAGGED)
    rules = {
        SmearFlag.DIRT: measures.tint < TINT,
        SmearFlag.PLATELET: nucleus < PLATELET_UM,
        SmearFlag.TOO_SMALL: PLATELET_UM <= nucleus < SMALLEST_UM and not lobed,
        SmearFlag.CUT: at_border,
        SmearFlag.SMUDGE: smudge,
        SmearFlag.TOO_LARGE: cell > LARGEST_UM,
        SmearFlag.LOBED: lobed and not smudge and nucleus >= PLATELET_UM,
    }
    return tuple(flag for flag, holds in rules.items() if holds)


def _windows(labels: NDArray[np.int32]) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Number and bounding box of each label."""
    ys, xs = np.nonzero(labels)
    numbers = labels[ys, xs]
    count = int(numbers.max(initial=0)) + 1
    low = np.full((count, 2), np.iinfo(np.int64).max)
    high = np.full((count, 2), -1)
    for axis, place in enumerate((ys, xs)):
        np.minimum.at(low[:, axis], numbers, place)
        np.maximum.at(high[:, axis], numbers, place)
    for number in range(1, count):
        if high[number, 0] >= 0:
            yield (
                number,
                (
                    slice(int(low[number, 0]), int(high[number, 0]) + 1),
                    slice(int(low[number, 1]), int(high[number, 1]) + 1),
                ),
            )
