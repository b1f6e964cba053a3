"""Find white cells in smear fields: detection, outlines, sizes, counts and speed.

    python benchmarks/smear.py                       synthetic fields with known outlines
    python benchmarks/smear.py FOLDER [--um-per-px N] [--kind WBC]   pictures with boxes

FOLDER holds pictures and `boxes.csv` with the columns image, kind, xmin, ymin, xmax, ymax in px,
one row per cell: BCCD (MIT license, boxes in VOC XML) has this form after its annotations are
listed so; LISC and ALL-IDB (masks or points) and Raabin-WBC (boxes) can be written in it. A found
object counts for a drawn cell or box from an IoU of .5 on, each once. Against boxes, the box of an
object is compared, whatever its flags, since the boxes mark every white cell, whole or not;
platelets and dirt do not count as found. Size is the diameter of a disk with the area of outline or
box. Speed is by processor time, in one thread, without reading and writing files.
"""

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from leukoscope.data.imaging.image import decode
from leukoscope.data.smear.field import CellImage, cells_of_field
from leukoscope.data.smear.found import SmearFlag
from leukoscope.data.smear.red_cells import estimate_scale, measure_red_cells
from leukoscope.data.synthetic.field import FieldParams, draw_field

MATCH = 0.5
NO_WHITE_CELL = {SmearFlag.PLATELET, SmearFlag.DIRT, SmearFlag.TOO_SMALL}
Box = tuple[float, float, float, float]

CLEAN = {"cells": 10, "pairs": 3, "red_cells": 120}
DIRTY = {**CLEAN, "neutrophils": 3, "platelets": 10, "dirt": 6, "smudges": 2, "cut": 3}
KINDS = {
    "clean, 0.10 µm": ({**CLEAN, "um_per_px": 0.10}),
    "clean, 0.07 µm": ({**CLEAN, "um_per_px": 0.07, "cells": 5, "pairs": 2, "red_cells": 60}),
    "with other things, 0.10 µm": ({**DIRTY, "um_per_px": 0.10}),
    "noisy (SD 8), 0.10 µm": ({**DIRTY, "um_per_px": 0.10, "noise": 8.0}),
}


@dataclass
class Score:
    """Counts of detection over fields."""

    right: int = 0
    found: int = 0
    there: int = 0
    ious: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, table: np.ndarray, sizes: np.ndarray) -> None:
        """Add a field: `(found, there)` IoUs, and relative errors of size for each pair."""
        self.found += table.shape[0]
        self.there += table.shape[1]
        self.counts.append(table.shape[0] - table.shape[1])
        rest = table.copy()
        while rest.size and rest.max() >= MATCH:
            one, other = np.unravel_index(rest.argmax(), rest.shape)
            self.right += 1
            self.ious.append(float(rest[one, other]))
            self.sizes.append(float(sizes[one, other]))
            rest[one], rest[:, other] = 0, 0

    def line(self, name: str, note: str = "") -> str:
        """A row of the table."""
        f1 = 2 * self.right / max(self.found + self.there, 1)
        return (
            f"| {name} | {self.there} | {self.found} | {f1:.3f} | {np.mean(self.ious):.3f} "
            f"| {np.mean(self.sizes):+.1%} (SD {np.std(self.sizes):.1%}) "
            f"| {np.mean(np.abs(self.counts)):.2f} | {note} |"
        )


HEAD = (
    "| fields | cells | found | F1 at IoU .5 | mean IoU | size error | count error per field | "
    "|\n|---|--:|--:|--:|--:|--:|--:|--:|"
)


def synthetic(fields: int) -> None:
    print(HEAD)
    for name, contents in KINDS.items():
        score, seconds, scales = Score(), 0.0, []
        for seed in range(fields):
            params = FieldParams(height=1200, width=1600, **contents)
            drawn = draw_field(np.random.default_rng([seed, 77]), params)
            start = time.process_time()
            cells = cells_of_field(drawn.image, params.um_per_px)
            seconds += time.process_time() - start
            estimate = estimate_scale([measure_red_cells(drawn.image)])
            if estimate.um_per_px is not None:
                scales.append(estimate.um_per_px / params.um_per_px - 1)
            taken = [cell for cell in cells if cell.image is not None]
            score.add(*_against_outlines(taken, drawn.outlines))
        note = (
            f"{fields / seconds:.1f} fields/s of a core; scale by red cells {np.mean(scales):+.1%}"
        )
        print(
            score.line(name, f"{note} (SD {np.std(scales):.1%}, {len(scales)} fields)"), flush=True
        )


def _against_outlines(cells: Sequence[CellImage], outlines: np.ndarray) -> tuple[np.ndarray, ...]:
    numbers = range(1, int(outlines.max()) + 1)
    table = np.zeros((len(cells), len(numbers)))
    sizes = np.zeros_like(table)
    for row, cell in enumerate(cells):
        mask = np.zeros(outlines.shape, np.uint8)
        points = np.round((cell.found.outline - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(mask, [points], 1, shift=4)
        for column, number in enumerate(numbers):
            true = outlines == number
            both = np.count_nonzero(true & (mask > 0))
            if both:
                area = np.count_nonzero(mask), np.count_nonzero(true)
                table[row, column] = both / (sum(area) - both)
                sizes[row, column] = np.sqrt(area[0] / area[1]) - 1
    return table, sizes


def real(folder: Path, kind: str, um_per_px: float | None) -> None:
    boxes: dict[str, list[Box]] = defaultdict(list)
    with (folder / "boxes.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            wanted = boxes[row["image"]]
            if row["kind"] == kind:
                left, top, right, bottom = (
                    float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax")
                )
                wanted.append((left, top, right, bottom))
    images = {name: decode(folder / name) for name in boxes}
    note = ""
    if um_per_px is None:
        estimate = estimate_scale([measure_red_cells(image) for image in images.values()])
        um_per_px = estimate.um_per_px
        note = f"scale unknown: {estimate.problem}; "
        if um_per_px:
            note = (
                f"{um_per_px:.4f} µm/px +- {estimate.error:.0%} by {estimate.red_cells} red cells "
                f"in {estimate.fields} fields; "
            )
    score, taken, seconds = Score(), 0, 0.0
    for name, image in images.items():
        start = time.process_time()
        cells = cells_of_field(image, um_per_px)
        seconds += time.process_time() - start
        taken += sum(cell.image is not None for cell in cells)
        white = [cell for cell in cells if not NO_WHITE_CELL & set(cell.found.flags)]
        score.add(*_against_boxes([cell.found.box for cell in white], boxes[name]))
    note += (
        f"{taken} taken as whole mononuclear cells; {len(images) / seconds:.1f} fields/s of a core"
    )
    print(HEAD)
    print(score.line(folder.name, note))


def _against_boxes(found: Iterable[Box], there: Sequence[Box]) -> tuple[np.ndarray, ...]:
    table = np.array([[_iou(one, other) for other in there] for one in found])
    sizes = np.array([[np.sqrt(_area(one) / _area(o)) - 1 for o in there] for one in found])
    shape = (len(table), len(there))
    return table.reshape(shape), sizes.reshape(shape)


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _iou(one: Box, other: Box) -> float:
    both = (
        max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])
    )  # fmt: skip
    shared = _area(both)
    return shared / (_area(one) + _area(other) - shared)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--kind", default="WBC")
    parser.add_argument("--um-per-px", type=float)
    parser.add_argument("--fields", type=int, default=12)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.folder:
        real(options.folder, options.kind, options.um_per_px)
    else:
        synthetic(options.fields)


if __name__ == "__main__":
    main()
