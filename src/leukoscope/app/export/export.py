"""A case as a file to take away: a table, the whole case as data, a report, or a cohort."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from leukoscope.app.export.csv_rows import SOFTWARE, LoadImage, table_lines
from leukoscope.app.schemas import Case, CaseExport, Cell
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.results import FIELDS

Format = Literal["csv", "json", "html", "cohort"]

# The first are those of `leukoscope predict`.
COLUMNS = (*FIELDS, "sha256", "threshold", "review", "reviewer", "reviewed", "note")


@dataclass(frozen=True)
class Export:
    """A file on its way out; `content` is made as it is sent."""

    filename: str
    media_type: str
    content: Iterable[bytes]


def export(kind: Format, case: Case, load_image: LoadImage, card: Card | None) -> Export:
    """A case as a file.

    Args:
        kind: csv, json, html (a report to print) or cohort (a ZIP to train and evaluate on).
        case: with its cells.
        load_image: the bytes of a cell's stored image, by the cell's id.
        card: of the case's model, where it is at hand.

    Raises:
        ConflictError: A cohort is wanted, and no cell is reviewed as ALL or HEM.
    """
    now = datetime.now(UTC)
    if kind == "csv":
        return Export(f"{case.name}.csv", "text/csv; charset=utf-8", csv_lines(case))
    if kind == "json":
        return Export(f"{case.name}.json", "application/json", [as_json(case, now)])
    if kind == "html":
        from leukoscope.app.export.report import report

        text = report(case, now, load_image, card)
        return Export(f"{case.name}.html", "text/html; charset=utf-8", [text.encode()])
    from leukoscope.app.export.cohort_export import cohort_zip

    return Export(f"{case.name}.zip", "application/zip", cohort_zip(case, now, load_image))


def csv_lines(case: Case) -> Iterator[bytes]:
    """The table of a case's cells: a header, then a row per cell."""
    return table_lines(COLUMNS, (csv_row(cell) for cell in case.cells))


def csv_row(cell: Cell) -> tuple[Any, ...]:
    """One cell as values of `COLUMNS`; `review` is the label a person gave."""
    review = cell.review
    return (
        cell.name,
        cell.subject,
        cell.p_all,
        str(cell.verdict),
        cell.logit,
        " | ".join(cell.flags),
        cell.reason,
        cell.model,
        cell.sha256,
        cell.threshold,
        review.label if review else "",
        review.reviewer if review else "",
        review.created.isoformat() if review else "",
        review.note if review else "",
    )


def as_json(case: Case, now: datetime) -> bytes:
    """The case as the API gives it, with the time and the software that wrote it."""
    whole = CaseExport.model_construct(**dict(case), software=SOFTWARE, exported=now)
    return whole.__pydantic_serializer__.to_json(whole)
