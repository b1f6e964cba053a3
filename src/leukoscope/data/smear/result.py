"""Result of cutting cells out: tables, remarks, and whether every field could be read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.files import atomic_folder
from leukoscope.core.tables import Table, text_column, write_table
from leukoscope.core.wording import count
from leukoscope.data.cnmc.cnmc import LABEL_NAMES
from leukoscope.data.cohort import UNKNOWN, Cohort, make_cohort, write_cohort
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX, CNMC_UNCERTAINTY
from leukoscope.data.smear.collect import (
    RED_CELLS,
    UNKNOWN_SCALE,
    FieldResult,
    SmearSettings,
    collect,
)
from leukoscope.data.smear.match_color import match_files
from leukoscope.data.smear.red_cells import ScaleEstimate

COHORT, OBJECTS, FIELDS = "cells.csv", "objects.csv", "fields.csv"
IN_COHORT = (
    *("path", "label", "subject", "flags", "field", "object", "x", "y", "diameter_um"),
    *("nucleus_fraction", "um_per_px", "field_um_per_px", "scale_from"),
)
"""Columns of the cohort."""
TEXT = (
    "path",
    "label",
    "subject",
    "flags",
    "field",
    "left_out",
    "scale_from",
    "outline",
    "problem",
)
NEW_STAIN = (
    "The shipped model was validated on C-NMC 2019 only, not on cells of another microscope, stain "
    "or segmentation. Expect `not a cell` and `uncertain`; train or calibrate on cells of your own."
)


@dataclass(frozen=True, repr=False)
class CellsResult:
    """Cells cut out of smear fields.

    Attributes:
        folder: The folder written.
        cohort: A row per cell taken, with absolute paths.
        objects: A row per object found; see `collect`.
        fields: The result of each field.
        estimate: Scale by red cells, if one was needed.
    """

    folder: Path
    cohort: Cohort
    objects: Table
    fields: tuple[FieldResult, ...]
    estimate: ScaleEstimate | None = None

    def __repr__(self) -> str:
        found = len(self.objects["path"])
        return (
            f"<CellsResult: {count(len(self.cohort), 'cell')} of {count(found, 'object')} in "
            f"{count(len(self.fields), 'field')}>"
        )

    @property
    def failed(self) -> list[FieldResult]:
        """Fields that could not be read."""
        return [field for field in self.fields if field.problem]

    @property
    def exit_code(self) -> int:
        """0, or 3 if a field could not be read."""
        return 3 if self.failed else 0

    def summary(self) -> dict[str, Any]:
        """Counts and remarks, ready for JSON."""
        left_out = Counter(str(reason) for reason in self.objects["left_out"] if reason)
        failed = {str(field.path): field.problem for field in self.failed}
        return {
            "fields": len(self.fields),
            "cells": len(self.cohort),
            "left_out": dict(left_out.most_common()),
            "fields_without_cells": sum(f.taken == 0 and not f.problem for f in self.fields),
            **({"failed": failed} if failed else {}),
            "median_diameter_um": self._median_diameter(),
            "notes": list(self.notes()),
            "written_to": str(self.folder),
        }

    def notes(self) -> list[str]:
        """Advice on the scale, the labels and the subjects."""
        notes = [*self._on_scale(), *self._on_names()]
        if len(self.cohort):
            notes.append(NEW_STAIN)
        return notes

    def _median_diameter(self) -> float | None:
        sizes = np.array(list(self.cohort["diameter_um"]), np.float64)
        sizes = sizes[np.isfinite(sizes)]
        return round(float(np.median(sizes)), 2) if sizes.size else None

    def _on_scale(self) -> list[str]:
        notes = []
        sources = Counter(field.scale_from for field in self.fields if not field.problem)
        estimate, unknown = self.estimate, sources[UNKNOWN_SCALE]
        if estimate is not None and estimate.um_per_px and sources[RED_CELLS]:
            scale, error = estimate.um_per_px, estimate.error
            notes.append(
                f"The scale of {count(sources[RED_CELLS], 'field')} is estimated from "
                f"{count(estimate.red_cells, 'single red cell')} of 7.5 µm in "
                f"{count(estimate.fields, 'field')}: {scale:.4f} µm per pixel ({error:.0%} error: "
                f"{scale * (1 - error):.4f} to {scale * (1 + error):.4f}). Confirm it with "
                f"--um-per-px {scale:.4f}, or give the microscope's own number."
            )
        if unknown:
            why = estimate.problem if estimate else "no red cell was measured"
            notes.append(
                f"The scale of {count(unknown, 'field')} is unknown: the file states none, and "
                f"{why}. The cells are at the scale of the field, not of C-NMC, so every answer "
                "that depends on size is unreliable. Give the scale: --um-per-px NUMBER."
            )
        if sources - Counter({UNKNOWN_SCALE: sources[UNKNOWN_SCALE]}):
            notes.append(
                f"Cells are at C-NMC's scale of {CNMC_UM_PER_PX} µm per pixel, which has an "
                f"uncertainty of {CNMC_UNCERTAINTY:.0%}."
            )
        return notes

    def _on_names(self) -> list[str]:
        notes = []
        if len(self.cohort) and not any(self.cohort["subject"]):
            notes.append(
                "No subject is known, so a split cannot keep persons apart. Name the part of the "
                "path that is the subject: --subject-pattern 'patient_(\\w+)'."
            )
        if len(self.cohort) and bool(np.all(self.cohort["label"] == UNKNOWN)):
            notes.append(
                "No label is known; the cells can be predicted. For training put the fields of "
                "each class into a folder ALL/ or HEM/, or name your own: "
                "--labels all=blasts,hem=healthy."
            )
        return notes


def write_cells(fields: list[Path], out: Path, settings: SmearSettings) -> CellsResult:
    """Cut cells out of fields and write them, their tables and the sheets into a folder.

    Args:
        fields: Image files.
        out: Folder to create, or an empty one. It appears when it is complete.
        settings: What to do.

    Raises:
        CohortError: No field can be read. Nothing is written then.
    """
    with atomic_folder(out) as folder:
        results, estimate = collect(fields, folder, settings)
        require_one_read(results)
        objects = _table([row for result in results for row in result.objects], _NO_OBJECT)
        taken = np.array([not reason for reason in objects["left_out"]], bool)
        if settings.match_color:
            match_files([folder / name for name in objects["path"][taken]])
        cohort = _cohort({name: objects[name][taken] for name in IN_COHORT}, out)
        relative = cohort.with_columns(path=objects["path"][taken])
        write_cohort(relative, folder / COHORT)
        names = text_column([LABEL_NAMES.get(int(v), "") for v in objects["label"]])
        write_table(folder / OBJECTS, {**objects, "label": names})
        write_table(folder / FIELDS, _table([_field_row(result) for result in results], {}))
    return CellsResult(out, cohort, objects, tuple(results), estimate)


def require_one_read(results: Sequence[FieldResult]) -> None:
    """Refuse fields none of which could be read.

    Raises:
        CohortError: Each has a problem; the first ones are named.
    """
    failed = [f"{result.path}: {result.problem.rstrip('.')}" for result in results]
    if results and all(result.problem for result in results):
        more = f"; and {len(failed) - 3:,} more" if len(failed) > 3 else ""
        raise CohortError(
            f"None of {count(len(failed), 'picture')} can be used: {'; '.join(failed[:3])}{more}."
        )


def _cohort(table: Table, out: Path) -> Cohort:
    paths = text_column([str(Path(out).absolute() / name) for name in table["path"]])
    return make_cohort({**table, "path": paths}, source=str(Path(out) / COHORT))


def _field_row(result: FieldResult) -> dict[str, Any]:
    return {
        "field": str(result.path),
        "name": result.name,
        "um_per_px": result.um_per_px,
        "scale_from": result.scale_from,
        "objects": len(result.objects),
        "cells": result.taken,
        "problem": result.problem,
    }


_NO_OBJECT: Mapping[str, Any] = dict.fromkeys(
    (*IN_COHORT, "width", "height", "solidity", "nucleus_pieces", "left_out", "outline")
)


def _table(rows: Sequence[Mapping[str, Any]], empty: Mapping[str, Any]) -> Table:
    """Columns of rows; the numbers unknown are nan."""
    names = list(rows[0]) if rows else list(empty)
    table: Table = {}
    for name in names:
        values = [row[name] for row in rows]
        if name == "label":
            table[name] = np.array([UNKNOWN if v is None else v for v in values], np.int8)
        elif name in TEXT or any(isinstance(value, str) for value in values):
            table[name] = text_column(values)
        elif all(isinstance(value, int) for value in values):
            table[name] = np.array(values, np.int64)
        else:
            table[name] = np.array([np.nan if v is None else v for v in values], np.float64)
    return table
