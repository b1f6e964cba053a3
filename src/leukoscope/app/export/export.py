"""Export a case as CSV tables of its cells or subjects, JSON, an HTML report, or a cohort."""

import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

from leukoscope.app.export.csv_rows import SOFTWARE, LoadImage, csv_lines
from leukoscope.app.export.subjects_csv import subjects_csv
from leukoscope.app.schemas import Case, CaseExport, Cell, SubjectAnswer
from leukoscope.app.store.errors import UnavailableError
from leukoscope.data.imaging.features import FEATURES
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.results import FIELDS

Format = Literal["csv", "subjects", "json", "html", "cohort"]

SPOOLED_BYTES = 32_000_000  # of an export in memory, before a temporary file takes it
CHUNK_BYTES = 1_000_000
# The first columns are those of `leukoscope predict`.
CELL_COLUMNS = (*FIELDS, "sha256", "threshold", "review", "reviewer", "reviewed", "note")
# The answer for the subject, the same in each row of it: columns of `predict --subjects-out`.
SUBJECT_COLUMNS = {
    "subject_verdict": "verdict",
    "subject_p_leukemic": "probability",
    "subject_p_low": "low",
    "subject_p_high": "high",
    "subject_usable_cells": "cells",
    "subject_blast_fraction": "blasts",
    "subject_blast_fraction_low": "blasts_low",
    "subject_blast_fraction_high": "blasts_high",
    "subject_reason": "reason",
}
# What the app has measured; empty for cells that were added without.
MEASURES = tuple(f"measured_{name}" for name in FEATURES)
COLUMNS = (*CELL_COLUMNS, *SUBJECT_COLUMNS, *MEASURES)


@dataclass(frozen=True)
class Export:
    """A file to download.

    Attributes:
        filename: Name to save it under.
        media_type: Its type.
        content: Its bytes, in parts.
        size: Its length in bytes, if known.
    """

    filename: str
    media_type: str
    content: Iterable[bytes]
    size: int | None = None


def export(
    kind: Format,
    case: Case,
    load_image: LoadImage,
    card: Card | None,
    scratch: Path | None = None,
) -> Export:
    """Export a case.

    Args:
        kind: csv (cells), subjects (a CSV table too), json, html (a report to print) or cohort (a
            ZIP for training and evaluation).
        case: Case with its cells.
        load_image: Function that loads the stored image of a cell id.
        card: Model card of the case's model, if available.
        scratch: Folder for a temporary file of a large export; None to use memory only.

    Raises:
        ConflictError: For a cohort, if no cell is reviewed as ALL or HEM.
    """
    now = datetime.now(UTC)
    if kind == "csv":
        return Export(f"{case.name}.csv", "text/csv; charset=utf-8", opens_in_excel(case_csv(case)))
    if kind == "subjects":
        name = f"{case.name} - subjects.csv"
        return Export(name, "text/csv; charset=utf-8", opens_in_excel(subjects_csv(case)))
    if kind == "json":
        return Export(f"{case.name}.json", "application/json", [json_bytes(case, now)])
    if kind == "html":
        from leukoscope.app.export.report import report

        text = report(case, now, load_image, card)
        return Export(f"{case.name}.html", "text/html; charset=utf-8", [text.encode()])
    from leukoscope.app.export.cohort_export import write_cohort_zip

    file = _temporary_file(scratch)
    try:
        write_cohort_zip(case, now, load_image, file)
    except OSError as error:
        raise UnavailableError(
            f"the export could not be written ({error.strerror or error}); free some space in "
            f"{scratch}, then try again"
        ) from error
    return Export(f"{case.name}.zip", "application/zip", _chunks(file), file.tell())


def without_images(case: Case) -> Case:
    """The case as if it had not kept its images."""
    cells = [cell.model_copy(update={"has_image": False}) for cell in case.cells]
    return case.model_copy(update={"cells": cells})


def _temporary_file(folder: Path | None) -> IO[bytes]:
    """A file without a name that only this process can read; it is gone when closed."""
    size = SPOOLED_BYTES if folder else 0  # 0: never a file
    return tempfile.SpooledTemporaryFile(max_size=size, dir=str(folder) if folder else None)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def opens_in_excel(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Put the mark first by which Excel recognizes UTF-8."""
    return chain((BOM_UTF8,), parts)


def case_csv(case: Case) -> Iterator[bytes]:
    """The cells of a case as CSV: a header, then one row per cell."""
    answers = {one.subject: _answer_values(one.answer) for one in case.subjects}
    nothing = _answer_values(None)
    rows = (
        (*csv_row(cell), *answers.get(cell.subject, nothing), *_measured(cell))
        for cell in case.cells
    )
    return csv_lines(COLUMNS, rows)


def _answer_values(answer: SubjectAnswer | None) -> tuple[Any, ...]:
    """The values of `SUBJECT_COLUMNS`; empty without an answer."""
    if answer is None:
        return ("",) * len(SUBJECT_COLUMNS)
    return tuple(
        str(answer.verdict) if field == "verdict" else getattr(answer, field)
        for field in SUBJECT_COLUMNS.values()
    )


def _measured(cell: Cell) -> list[float | None]:
    """The values of `MEASURES`."""
    features = cell.features or {}
    return [features.get(name) for name in FEATURES]


def csv_row(cell: Cell) -> tuple[Any, ...]:
    """One cell as values of `CELL_COLUMNS`; `review` is the label of the review."""
    review = cell.review
    values = {
        "path": cell.name,
        "subject": cell.subject,
        "p_all": cell.p_all,
        "verdict": str(cell.verdict),
        "logit": cell.logit,
        "flags": " | ".join(cell.flags),
        "reason": cell.reason,
        "model": cell.model,
        "sha256": cell.sha256,
        "threshold": cell.threshold,
        "review": review.label if review else "",
        "reviewer": review.reviewer if review else "",
        "reviewed": review.created.isoformat() if review else "",
        "note": review.note if review else "",
    }
    return tuple(values[column] for column in CELL_COLUMNS)


def json_bytes(case: Case, now: datetime) -> bytes:
    """The case as in the API, with time and software of the export."""
    exported = CaseExport.model_construct(**dict(case), software=SOFTWARE, exported=now)
    return exported.__pydantic_serializer__.to_json(exported)
