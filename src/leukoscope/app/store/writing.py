"""What changes a case. Each function runs in one writing transaction: all of it or nothing."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from leukoscope.app.limits import Limits
from leukoscope.app.schemas import CaseChange, CaseIn, CellChange, CellPrediction, Review
from leukoscope.app.store.errors import ConflictError, NotFoundError
from leukoscope.app.store.reading import MAX_ID, NO_CASE, NO_CELL, batches, case_key, cell_key
from leukoscope.app.store.tables import CaseRow, CellRow, ImageRow, ReviewRow
from leukoscope.core.values import ConformalThresholds
from leukoscope.core.verdicts import Verdict

PredictionWithImage = tuple[CellPrediction, bytes | None]


def create(
    connection: Connection,
    wanted: CaseIn,
    model: str,
    model_sha256: str,
    threshold: float,
    possible: ConformalThresholds | None,
) -> str:
    """A new case; its id cannot be guessed."""
    case_id, now = secrets.token_urlsafe(16), _now()
    row = {
        "id": case_id,
        "name": clean(wanted.name).strip() or f"Case of {now.astimezone():%Y-%m-%d %H:%M}",
        "notes": clean(wanted.notes),
        "keep_images": wanted.keep_images,
        "created": now,
        "updated": now,
        "model": clean(model),
        "model_sha256": model_sha256,
        "model_threshold": threshold,
        "model_all_from": possible and possible.all_from,
        "model_hem_to": possible and possible.hem_to,
    }
    connection.execute(insert(CaseRow).values(row))
    return case_id


def change(connection: Connection, case_id: str, wanted: CaseChange) -> None:
    """Change what `wanted` names, and nothing else."""
    _locked(connection, case_id)
    values: dict[str, Any] = {}
    if wanted.name is not None:
        values["name"] = clean(wanted.name)
    if wanted.notes is not None:
        values["notes"] = clean(wanted.notes)
    if "threshold" in wanted.model_fields_set:
        values["own_threshold"] = wanted.threshold
    _touch(connection, case_id, values)


def discard(connection: Connection, case_id: str) -> None:
    """Delete a case with everything in it."""
    _locked(connection, case_id)
    connection.execute(delete(CaseRow).where(CaseRow.id == case_id))


def check_model(case_model: str, case_sha256: str, model_sha256: str) -> None:
    """Refuse answers of another model file than the case's.

    Raises:
        ConflictError: It is another.
    """
    if case_sha256 != model_sha256:
        raise ConflictError(
            f"this case holds answers of the model {case_model!r} "
            f"(sha256 {case_sha256[:12]}...), and another model is at work now; start a new "
            "case, or the server with that model"
        )


def add(
    connection: Connection,
    case_id: str,
    answered: Sequence[PredictionWithImage],
    model_sha256: str,
    limits: Limits,
) -> list[int]:
    """Add answers to a case; a file that it has already gives back the cell that is there.

    Returns:
        The cells' ids, in the order of `answered`.

    Raises:
        NotFoundError: There is no such case.
        ConflictError: The answers are of another model, or too many.
    """
    case = _locked(connection, case_id)
    check_model(case.model, case.model_sha256, model_sha256)
    known = _known(connection, case_id, [answer.sha256 for answer, _ in answered])
    new: list[PredictionWithImage] = []
    places: list[int] = []  # for each answer its place in `new`, or less than 0: known
    first: dict[str, int] = {}
    for answer, data in answered:
        if answer.sha256 in known:
            places.append(-1)
            continue
        place = first.setdefault(answer.sha256, len(new)) if answer.sha256 else len(new)
        if place == len(new):
            new.append((answer, data))
        places.append(place)
    _make_room(connection, case_id, len(new), limits)
    ids = _insert(connection, case_id, new, case.keep_images)
    return [
        known[answer.sha256] if place < 0 else ids[place]
        for place, (answer, _) in zip(places, answered, strict=True)
    ]


def move(connection: Connection, case_id: str, wanted: CellChange) -> None:
    """Give cells a subject by hand.

    Raises:
        NotFoundError: One of them is not in the case; then none is moved.
    """
    _locked(connection, case_id)
    ids = sorted(set(wanted.cells))
    if not all(0 < one <= MAX_ID for one in ids):
        raise NotFoundError(NO_CELL)
    moved = 0
    for some in batches(ids):
        found = connection.execute(
            update(CellRow)
            .where(CellRow.case_id == case_id, CellRow.id.in_(some))
            .values(subject=clean(wanted.subject).strip())
        )
        moved += found.rowcount
    if moved != len(ids):
        raise NotFoundError(f"{len(ids) - moved} of {len(ids)} cells are not in this case")
    _touch(connection, case_id)


def remove(connection: Connection, case_id: str, cell_id: int) -> None:
    """Delete one cell with its image and its reviews."""
    _locked(connection, case_id)
    gone = connection.execute(
        delete(CellRow).where(CellRow.case_id == case_id, CellRow.id == cell_key(cell_id))
    )
    if not gone.rowcount:
        raise NotFoundError(NO_CELL)
    _touch(connection, case_id)


def review(connection: Connection, case_id: str, cell_id: int, wanted: Review) -> None:
    """Write down what a person says about a cell; earlier reviews of it stay in the log."""
    _locked(connection, case_id)
    here = select(CellRow.id).where(CellRow.case_id == case_id, CellRow.id == cell_key(cell_id))
    if connection.execute(here).one_or_none() is None:
        raise NotFoundError(NO_CELL)
    row = {
        "case_id": case_id,
        "cell_id": cell_id,
        "label": wanted.label,
        "reviewer": clean(wanted.reviewer).strip(),
        "note": clean(wanted.note),
        "created": _now(),
    }
    connection.execute(insert(ReviewRow).values(row))
    _touch(connection, case_id)


def undo(connection: Connection, case_id: str) -> int:
    """Take back the latest review of a case that stands.

    Returns:
        The id of the cell it was about.

    Raises:
        ConflictError: No review stands.
    """
    _locked(connection, case_id)
    latest = (
        select(ReviewRow.id, ReviewRow.cell_id)
        .where(ReviewRow.case_id == case_id, ReviewRow.undone.is_(None))
        .order_by(ReviewRow.id.desc())
        .limit(1)
    )
    row = connection.execute(latest).one_or_none()
    if row is None:
        raise ConflictError("there is no review in this case to take back")
    connection.execute(update(ReviewRow).where(ReviewRow.id == row.id).values(undone=_now()))
    _touch(connection, case_id)
    return row.cell_id


def clean(text: str) -> str:
    """Text that every database can hold: NUL and halves of characters become U+FFFD."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _locked(connection: Connection, case_id: str) -> Any:
    """The case's row; until this transaction ends, nobody else changes the case.

    Raises:
        NotFoundError: There is no such case.
    """
    query = select(CaseRow).where(CaseRow.id == case_key(case_id)).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(NO_CASE)
    return row


def _touch(connection: Connection, case_id: str, values: dict[str, Any] | None = None) -> None:
    changed = {**(values or {}), "updated": _now()}
    connection.execute(update(CaseRow).where(CaseRow.id == case_id).values(changed))


def _known(connection: Connection, case_id: str, hashes: Sequence[str]) -> dict[str, int]:
    """The cells of a case that came from these files."""
    found: dict[str, int] = {}
    for some in batches(sorted({one for one in hashes if one})):
        query = select(CellRow.sha256, CellRow.id).where(
            CellRow.case_id == case_id, CellRow.sha256.in_(some)
        )
        found.update((str(sha256), cell_id) for sha256, cell_id in connection.execute(query))
    return found


def _make_room(connection: Connection, case_id: str, new: int, limits: Limits) -> None:
    held = select(func.count()).select_from(CellRow).where(CellRow.case_id == case_id)
    number = connection.execute(held).scalar_one()
    if new and number + new > limits.case_cells:
        raise ConflictError(
            f"a case takes {limits.case_cells} cells at most; this one has {number}, and {new} "
            "more do not fit; start another case"
        )


def _insert(
    connection: Connection, case_id: str, new: Sequence[PredictionWithImage], keep_images: bool
) -> list[int]:
    if not new:
        return []
    now = _now()
    statement = insert(CellRow).returning(CellRow.id, sort_by_parameter_order=True)
    rows = [_row(case_id, answer, now) for answer, _ in new]
    ids = list(connection.execute(statement, rows).scalars())
    if keep_images:
        for cell_id, (answer, data) in zip(ids, new, strict=True):
            # What is no image is not kept either: nobody can look at it.
            if data is not None and answer.verdict != Verdict.ERROR:
                connection.execute(insert(ImageRow).values(cell_id=cell_id, data=data))
    _touch(connection, case_id)
    return ids


def _row(case_id: str, answer: CellPrediction, now: datetime) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "name": clean(answer.name),
        "subject": clean(answer.subject),
        "p_all": answer.p_all,
        "verdict": str(answer.verdict),
        "logit": answer.logit,
        "flags": [clean(flag) for flag in answer.flags],
        "reason": clean(answer.reason),
        "sha256": answer.sha256 or None,
        "answered": now,
    }


def _now() -> datetime:
    return datetime.now(UTC)
