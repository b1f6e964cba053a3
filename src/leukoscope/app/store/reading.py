"""Read cases and cells into schemas, with a fixed number of queries however many there are."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    distinct,
    exists,
    func,
    or_,
    select,
)

from leukoscope.app.schemas import AbstentionThresholds, CaseHead, Cell, ReviewOut, SubjectSummary
from leukoscope.app.store.errors import NotFoundError
from leukoscope.app.store.tables import ID_LENGTH, Base, CaseRow, CellRow, ImageRow, ReviewRow
from leukoscope.core.values import ConformalThresholds
from leukoscope.core.verdicts import FROM_PROBABILITY, Verdict
from leukoscope.inference.subject.rows import SubjectLogits
from leukoscope.inference.summary import tally
from leukoscope.inference.verdict import predicted_class

T = TypeVar("T")
BATCH = 500  # values in one query; the oldest versions of SQLite accept 999
MAX_ID = 2**31 - 1

NO_CASE = "this case does not exist; it may have been deleted"
NO_CELL = "this cell is not in the case; it may have been removed"
NO_IMAGE = "the image of this cell is not stored; add the file again to see it"


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split `values` into batches that fit into a query."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


def case_key(case_id: str) -> str:
    """Check the form of a case id, so that invalid ones never reach the database.

    Raises:
        NotFoundError: No case can have this id.
    """
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{ID_LENGTH}}}", case_id):
        raise NotFoundError(NO_CASE)
    return case_id


def cell_key(cell_id: int) -> int:
    """Check the range of a cell id.

    Raises:
        NotFoundError: No cell can have this id.
    """
    if not 0 < cell_id <= MAX_ID:
        raise NotFoundError(NO_CELL)
    return cell_id


def check_tables(connection: Connection) -> None:
    """Query every column of every table, for an error of the database if one is missing."""
    for table in Base.metadata.sorted_tables:
        connection.execute(select(table).limit(0))


def heads(connection: Connection, limit: int) -> list[CaseHead]:
    """The newest cases, newest first."""
    newest = select(CaseRow).order_by(CaseRow.created.desc(), CaseRow.id.desc()).limit(limit)
    return _heads(connection, connection.execute(newest).all())


def head(connection: Connection, case_id: str) -> CaseHead:
    """One case without its cells.

    Raises:
        NotFoundError: The case does not exist.
    """
    row = connection.execute(select(CaseRow).where(CaseRow.id == case_key(case_id))).one_or_none()
    if row is None:
        raise NotFoundError(NO_CASE)
    return _heads(connection, [row])[0]


def cells(connection: Connection, case_id: str, cell_id: int | None = None) -> list[Cell]:
    """The cells of a case in the order in which they were added, or one cell.

    Raises:
        NotFoundError: The cell `cell_id` is not in the case.
    """
    kept = exists().where(ImageRow.cell_id == CellRow.id)
    query = (
        select(
            *(column for column in CellRow.__table__.columns if column.name != "case_id"),
            _verdict().label("verdict_now"),
            func.coalesce(CaseRow.own_threshold, CaseRow.model_threshold).label("threshold"),
            CaseRow.model,
            CaseRow.own_threshold,
            CaseRow.model_all_from,
            CaseRow.model_hem_to,
            kept.label("has_image"),
        )
        .join(CaseRow, CaseRow.id == CellRow.case_id)
        .where(CellRow.case_id == case_key(case_id))
        .order_by(CellRow.id)
    )
    if cell_id is not None:
        query = query.where(CellRow.id == cell_key(cell_id))
    rows = connection.execute(query).all()
    if cell_id is not None and not rows:
        raise NotFoundError(NO_CELL)
    reviews = _reviews(connection, case_id, cell_id)
    return [_cell(row, reviews.get(row.id)) for row in rows]


def logits(connection: Connection, cases: Sequence[str]) -> dict[str, SubjectLogits]:
    """The logits of the usable cells of cases, by case; verdicts are those of the model."""
    found = {case_id: SubjectLogits() for case_id in cases}
    query = select(CellRow.case_id, CellRow.subject, CellRow.verdict, CellRow.logit, CellRow.pixels)
    for ids in batches(list(found)):
        for row in connection.execute(query.where(CellRow.case_id.in_(ids)).order_by(CellRow.id)):
            found[row.case_id].add(row.subject, row.verdict, row.logit, row.pixels or "")
    return found


def image(connection: Connection, case_id: str, cell_id: int) -> tuple[str, bytes]:
    """The name and the bytes of a stored image file.

    Raises:
        NotFoundError: The cell does not exist, or its image is not stored.
    """
    query = (
        select(CellRow.name, ImageRow.data)
        .outerjoin(ImageRow, ImageRow.cell_id == CellRow.id)
        .where(CellRow.case_id == case_key(case_id), CellRow.id == cell_key(cell_id))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(NO_CELL)
    if row.data is None:
        raise NotFoundError(NO_IMAGE)
    return row.name, row.data


def _heads(connection: Connection, rows: Sequence[Any]) -> list[CaseHead]:
    groups: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    reviewed: Counter[str] = Counter()
    for ids in batches([row.id for row in rows]):
        for case_id, subject, verdict, number in connection.execute(_groups(ids)):
            groups[case_id].append((subject, verdict, number))
        for case_id, number in connection.execute(_reviewed(ids)):
            reviewed[case_id] = number
    return [_head(row, groups[row.id], reviewed[row.id]) for row in rows]


def _groups(ids: Sequence[str]) -> Any:
    """Query for the number of cells by case, subject and verdict."""
    now = (
        select(CellRow.case_id, CellRow.subject, _verdict().label("verdict"))
        .join(CaseRow, CaseRow.id == CellRow.case_id)
        .where(CellRow.case_id.in_(ids))
        .subquery()
    ).c
    columns = (now.case_id, now.subject, now.verdict)
    return select(*columns, func.count()).group_by(*columns)


def _reviewed(ids: Sequence[str]) -> Any:
    """Query for the number of cells with a review in force, by case."""
    return (
        select(ReviewRow.case_id, func.count(distinct(ReviewRow.cell_id)))
        .where(ReviewRow.case_id.in_(ids), ReviewRow.undone.is_(None))
        .group_by(ReviewRow.case_id)
    )


def _reviews(connection: Connection, case_id: str, cell_id: int | None) -> dict[int, ReviewOut]:
    """The latest review in force, by cell id."""
    query = (
        select(ReviewRow)
        .where(ReviewRow.case_id == case_id, ReviewRow.undone.is_(None))
        .order_by(ReviewRow.id)
    )
    if cell_id is not None:
        query = query.where(ReviewRow.cell_id == cell_id)
    latest = {row.cell_id: row for row in connection.execute(query)}
    return {
        cell: ReviewOut(label=row.label, reviewer=row.reviewer, note=row.note, created=row.created)
        for cell, row in latest.items()
    }


def _verdict() -> ColumnElement[str]:
    """The verdict under the case's own threshold, if any: `verdict.predicted_class` in SQL."""
    p, own = CellRow.p_all, CaseRow.own_threshold
    all_from, hem_to = CaseRow.model_all_from, CaseRow.model_hem_to
    recomputed = and_(own.is_not(None), CellRow.verdict.in_(sorted(map(str, FROM_PROBABILITY))))
    only_all = or_(all_from.is_(None), and_(p >= all_from, p > hem_to))
    only_hem = or_(all_from.is_(None), and_(p < all_from, p <= hem_to))
    return case(
        (and_(recomputed, p >= own, only_all), str(Verdict.BLAST)),
        (and_(recomputed, p < own, only_hem), str(Verdict.NORMAL)),
        (recomputed, str(Verdict.UNCERTAIN)),
        else_=CellRow.verdict,
    )


def _reason(row: Any) -> str:
    """The reason for no answer, which depends on the threshold of the case."""
    if row.own_threshold is None or row.verdict not in FROM_PROBABILITY:
        return str(row.reason)
    return predicted_class(row.p_all, row.own_threshold, _possible(row)).reason


def _possible(row: Any) -> ConformalThresholds | None:
    limits = (row.model_all_from, row.model_hem_to)
    return None if None in limits else ConformalThresholds(*limits)


def _cell(row: Any, review: ReviewOut | None) -> Cell:
    return Cell(
        id=row.id,
        cell_id=row.id,
        name=row.name,
        subject=row.subject,
        p_all=row.p_all,
        verdict=row.verdict_now,
        logit=row.logit,
        flags=row.flags,
        reason=_reason(row),
        model=row.model,
        sha256=row.sha256 or "",
        pixels=row.pixels or "",
        threshold=row.threshold,
        answered=row.answered,
        features=row.features,
        has_image=row.has_image,
        review=review,
    )


def _head(row: Any, groups: list[tuple[str, str, int]], reviewed: int) -> CaseHead:
    verdicts: Counter[str] = Counter({str(verdict): 0 for verdict in Verdict})
    for _, verdict, number in groups:
        verdicts[verdict] += number
    own, possible = row.own_threshold, _possible(row)
    return CaseHead(
        id=row.id,
        name=row.name,
        notes=row.notes,
        keep_images=row.keep_images,
        created=row.created,
        updated=row.updated,
        model=row.model,
        model_sha256=row.model_sha256,
        threshold=row.model_threshold if own is None else own,
        own_threshold=own is not None,
        abstains=AbstentionThresholds(**asdict(possible)) if possible else None,
        verdicts=dict(verdicts),
        reviewed=reviewed,
        can_undo=reviewed > 0,
        subjects=[SubjectSummary.of(summary) for summary in tally(groups).subjects],
    )
