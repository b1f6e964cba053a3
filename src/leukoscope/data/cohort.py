"""The cohort: one table with a row per cell, shared by all steps.

Each step adds columns: reading gives path, label, subject and fold; the audit adds person and cell;
a split adds part (the subset); prediction adds p_all and verdict. After any step the table can be
written and read again.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukoscope.core.data_frames import from_data_frame, to_data_frame
from leukoscope.core.errors import CohortError
from leukoscope.core.files import natural_key
from leukoscope.core.shell_words import pair_option
from leukoscope.core.tables import Table, read_table, text_column, write_table
from leukoscope.core.wording import count as counted
from leukoscope.data.class_words import parse_labels
from leukoscope.data.cnmc.cnmc import ALL, HEM, LABEL_NAMES, UNKNOWN
from leukoscope.data.ids import clean_id, id_notes
from leukoscope.data.options import NO_OPTIONS, ReadingOptions
from leukoscope.data.unused_options import check_pattern, check_words
from leukoscope.data.words import (
    Headings,
    fill_persons,
    heading_like,
    keep_own_cells,
    local_path,
    standard_names,
)

if TYPE_CHECKING:
    import pandas

__all__ = [
    "ALL",
    "HEM",
    "LABEL_NAMES",
    "UNKNOWN",
    "Cohort",
    "make_cohort",
    "read_cohort_table",
    "require_cells",
    "write_cohort",
]

HEAD = 5
"""Rows that a notebook shows."""
TEXT_COLUMNS = (
    *("path", "subject", "person", "cell", "fold", "sha256", "pixel_sha256", "official"),
    *("data_source", "data_license", "audit_key", "flags", "part", "verdict"),
)
KNOWN = (*TEXT_COLUMNS, "label")
"""Columns that the program itself writes."""
_READ_AS_TEXT = Headings((*TEXT_COLUMNS, "label"))


@dataclass(frozen=True, repr=False)
class Cohort:
    """A table of cells.

    Attributes:
        columns: Column name to array, all of one length. Always there: `path` (object array of
            str), `label` (int8: 1 ALL, 0 HEM, -1 unknown), `subject`, `person` (where the table
            gives none, the subject until the audit links them), `fold`, `sha256` ("" until hashed),
            `flags` (quality remarks, ";" between). After hashing or the audit also `pixel_sha256`
            and `official`, as in `data.cnmc.identity`.
        source: Folder or file that it was read from, for messages.
        notes: Remarks from reading, such as skipped files, a line each.
    """

    columns: Mapping[str, np.ndarray]
    source: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.columns["path"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    @property
    def paths(self) -> list[Path]:
        """Paths of the images, in the order of the rows."""
        return [Path(path) for path in self["path"]]

    def select(self, rows: np.ndarray) -> "Cohort":
        """Select rows by mask or index."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Cohort(columns, self.source, self.notes)

    def with_columns(self, **columns: Any) -> "Cohort":
        """Return a cohort with columns added or replaced; a single value is that of every row."""
        arrays = {
            name: _column(name, [column] * len(self) if np.ndim(column) == 0 else column)
            for name, column in columns.items()
        }
        return Cohort({**self.columns, **arrays}, self.source, self.notes)

    def unique(self, column: str) -> list[str]:
        """Distinct values of a text column except "", in natural order."""
        return sorted(set(self[column]) - {""}, key=natural_key)

    def counts(self) -> dict[str, int]:
        """Number of cells by label: {"ALL": n, "HEM": n}, and "unlabeled" if there are any."""
        counts = {LABEL_NAMES[label]: int(np.sum(self["label"] == label)) for label in (ALL, HEM)}
        unlabeled = int(np.sum(self["label"] == UNKNOWN))
        return counts | ({"unlabeled": unlabeled} if unlabeled else {})

    def to_pandas(self) -> "pandas.DataFrame":
        """Copy the table into a DataFrame.

        Labels are "ALL" and "HEM"; unknown text is "", as in the files of `write_cohort`.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return to_data_frame(_named_labels(self), "Cohort.to_pandas")

    @classmethod
    def from_pandas(
        cls,
        frame: "pandas.DataFrame",
        *,
        source: str = "DataFrame",
        options: ReadingOptions = NO_OPTIONS,
    ) -> "Cohort":
        """Make a cohort of a DataFrame with a row per cell.

        Args:
            frame: Columns `path` and, where known, `label` (ALL or HEM, 1 or 0), `subject`,
                `person` and `fold`; others are kept. Relative paths are taken from the current
                folder.
            source: A name for the data, for messages and reports.
            options: Words for the classes, headings, and the pattern of subjects.

        Raises:
            CohortError: No column `path`, a blank path, or an invalid label; with its row.
        """
        table = from_data_frame(frame, text=_READ_AS_TEXT)
        return _from_table(table, source, Path(), "row", 0, options)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {label}" for label, count in self.counts().items())
        subjects = len(self.unique("subject"))
        known = f"; {counted(subjects, 'subject')}" if subjects else ""
        if "cell" in self:  # before the audit each subject counts as a person
            known += f", {counted(len(self.unique('person')), 'person')}"
        return f"<Cohort of {len(self):,} cells: {counts}{known}>"

    def _repr_html_(self) -> str:
        from leukoscope.core.html import notebook_table

        shown = self.select(np.arange(min(HEAD, len(self))))
        table = _named_labels(shown)
        title = f"{repr(self)[1:-1]}. The first {len(shown)}:"
        return notebook_table(title, list(table), zip(*table.values(), strict=True))


def make_cohort(table: Mapping[str, Any], *, source: str = "", notes: Sequence[str] = ()) -> Cohort:
    """Make a cohort from columns; missing standard columns are filled in.

    Blanks around ids are stripped, and words for "unknown" are "".

    Args:
        table: Columns by name; only `path` is required. Columns of other names are kept.
        source: Folder or file that it was read from, for messages.
        notes: Remarks from reading.
    """
    paths = text_column(list(table["path"]))
    unknown = [""] * len(paths)
    columns: Table = {"path": paths}
    columns["label"] = np.asarray(table.get("label", np.full(len(paths), UNKNOWN)), dtype=np.int8)
    columns["subject"] = _ids(table.get("subject", unknown))
    columns["person"] = fill_persons(_ids(table.get("person", unknown)), columns["subject"])
    for name in ("fold", "sha256", "flags"):
        columns[name] = text_column(list(table.get(name, unknown)))
    columns |= {name: _column(name, col) for name, col in table.items() if name not in columns}
    return Cohort(columns, source, tuple(notes))


def _ids(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    return text_column(["" if value is None else clean_id(value) for value in values])


def _column(name: str, values: np.ndarray | Sequence[Any]) -> np.ndarray:
    array = np.asarray(values)
    return text_column(list(values)) if name in TEXT_COLUMNS or array.dtype.kind in "US" else array


def write_cohort(cohort: Cohort, path: Path | str) -> None:
    """Write the table as .csv, .jsonl or .parquet, labels as ALL and HEM."""
    write_table(path, _named_labels(cohort), guarded=False)


def _named_labels(cohort: Cohort) -> Table:
    names = text_column([LABEL_NAMES[int(label)] for label in cohort["label"]])
    return {**cohort.columns, "label": names}


def read_cohort_table(path: Path | str, options: ReadingOptions = NO_OPTIONS) -> Cohort:
    """Read a table with a `path` and, where known, `label` and `subject` columns.

    Labels may be ALL/HEM in any case, or 1/0 as in the official CSV (1 is ALL). Relative paths
    start at the folder of the table; the paths of the cohort are absolute.

    Args:
        path: The table.
        options: Words for the classes, headings, and the pattern of subjects.

    Raises:
        CohortError: There is no `path` column, a path is blank, or a label is invalid.
    """
    path = Path(path)
    table = read_table(path, text=Headings((*_READ_AS_TEXT, *options.columns.values())))
    return _from_table(table, str(path), path.parent, "line", 2, options)


def _from_table(
    table: Table,
    source: str,
    folder: Path,
    unit: str,
    first: int,
    options: ReadingOptions = NO_OPTIONS,
) -> Cohort:
    """Check a table that a user made; `unit` and `first` say how its rows are counted."""
    table, notes = standard_names(table, source, options.columns)
    table, own = keep_own_cells(table)
    if "path" not in table:
        raise CohortError(
            f"{source}: has no column 'path' (found: {', '.join(table) or 'none'}). "
            "A table of cells needs path, and may have label, subject, person, fold. Name another "
            f"heading: {pair_option('--columns', 'path', heading_like(table, 'path') or 'HEADING')}"
        )
    labels = table.get("label", text_column([""] * len(table["path"])))
    check_words(options, source, map(str, labels))
    table["label"] = parse_labels(labels, source, unit=unit, first=first, words=options.words)
    paths = [str(name).strip() for name in table["path"]]
    if "" in paths:
        raise CohortError(
            f"{source}, {unit} {paths.index('') + first}: the path is blank; each row names an "
            "image."
        )
    base = Path(os.path.abspath(folder))
    table["path"] = text_column(
        [local_path(name, str(raw), base) for name, raw in zip(paths, table["path"], strict=True)]
    )
    if options.pattern:
        known = table.get("subject", [""] * len(paths))
        check_pattern(options, source, list(table["path"]), list(map(clean_id, known)))
        pairs = zip(known, table["path"], strict=True)
        table["subject"] = text_column([old or options.subject_of(path) for old, path in pairs])
    cohort = make_cohort(table, source=source, notes=[*notes, *own])
    remarks = id_notes(cohort["subject"], cohort["person"])
    return replace(cohort, notes=(*cohort.notes, *remarks))


def require_cells(cohort: Cohort) -> None:
    """Refuse a data set without a cell: nothing can be said of it.

    Raises:
        CohortError: There is no row.
    """
    if not len(cohort):
        raise CohortError(
            f"{cohort.source or 'the data set'}: has no cells; a table needs a row for each image."
        )
