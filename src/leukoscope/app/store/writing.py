"""Change cases. Each function runs in one writing transaction: all of it or nothing."""

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
from leukoscope.core.wording import agree
from leukoscope.core.wording import count as counted

PredictionWithImage = tuple[CellPrediction, bytes | None]


def create(
    connection: Connection,
    wanted: CaseIn,
    model: str,
    model_sha256: str,
    threshold: float,
    possible: ConformalThresholds | None,
) -> str:
    """Create a case with an id that cannot be guessed."""
    case_id, now = secrets.token_urlsafe(16), _now()
    row = {
        "id": case_id,
        "name": clean_text(wanted.name).strip() or f"Case of {now.astimezone():%Y-%m-%d %H:%M}",
        "notes": clean_text(wanted.notes),
        "keep_images": wanted.keep_images,
        "created": now,
        "updated": now,
        "model": clean_text(model),
        "model_sha256": model_sha256,
        "model_threshold": threshold,
        "model_all_from": possible and possible.all_from,
        "model_hem_to": possible and possible.hem_to,
    }
    connection.execute(insert(CaseRow).values(row))
    return case_id


def change(connection: Connection, case_id: str, wanted: CaseChange) -> None:
    """Change the fields that are set in `wanted`."""
    _locked(connection, case_id)
    values: dict[str, Any] = {}
    if wanted.name is not None:
        values["name"] = clean_text(wanted.name)
    if wanted.notes is not None:
        values["notes"] = clean_text(wanted.notes)
    if "threshold" in wanted.model_fields_set:
        values["own_threshold"] = wanted.threshold
    _touch(connection, case_id, values)


def delete_case(connection: Connection, case_id: str) -> None:
    """Delete a case with its cells, reviews and images."""
    _locked(connection, case_id)
    connection.execute(delete(CaseRow).where(CaseRow.id == case_id))


def check_model(case_model: str, case_sha256: str, model_sha256: str) -> None:
    """Check that predictions are of the model file of the case.

    Raises:
        ConflictError: They are of another model file.
    """
    if case_sha256 != model_sha256:
        raise ConflictError(
            f"this case contains predictions of the model {case_model!r} "
            f"(sha256 {case_sha256[:12]}...), and the server now runs another model; start a new "
            "case, or start the server with that model"
        )


def add(
    connection: Connection,
    case_id: str,
    predictions: Sequence[PredictionWithImage],
    model_sha256: str,
    limits: Limits,
) -> list[int]:
    """Add predictions to a case; for a file that is already in it, return the existing cell.

    Returns:
        Cell ids, in the order of `predictions`.

    Raises:
        NotFoundError: The case does not exist.
        ConflictError: The predictions are of another model, or too many.
    """
    case = _locked(connection, case_id)
    check_model(case.model, case.model_sha256, model_sha256)
    known = _known(connection, case_id, [prediction.sha256 for prediction, _ in predictions])
    new: list[PredictionWithImage] = []
    places: list[int] = []  # index in `new` of each prediction; -1 if the file is known
    first: dict[str, int] = {}
    for prediction, data in predictions:
        sha256 = prediction.sha256
        if sha256 in known:
            places.append(-1)
            continue
        place = first.setdefault(sha256, len(new)) if sha256 else len(new)
        if place == len(new):
            new.append((prediction, data))
        places.append(place)
    _check_room(connection, case_id, len(new), limits)
    ids = _insert(connection, case_id, new, case.keep_images)
    return [
        known[prediction.sha256] if place < 0 else ids[place]
        for place, (prediction, _) in zip(places, predictions, strict=True)
    ]


def move(connection: Connection, case_id: str, wanted: CellChange) -> None:
    """Set the subject of cells.

    Raises:
        NotFoundError: One of them is not in the case; then none is changed.
    """
    _locked(connection, case_id)
    ids = sorted(set(wanted.cells))
    if not all(0 < cell_id <= MAX_ID for cell_id in ids):
        raise NotFoundError(NO_CELL)
    moved = 0
    for batch in batches(ids):
        result = connection.execute(
            update(CellRow)
            .where(CellRow.case_id == case_id, CellRow.id.in_(batch))
            .values(subject=clean_text(wanted.subject).strip())
        )
        moved += result.rowcount
    if moved != len(ids):
        raise NotFoundError(
            f"{len(ids) - moved} of {counted(len(ids), 'cell')} {agree(len(ids) - moved, 'is')} "
            "not in this case"
        )
    _touch(connection, case_id)


def remove(connection: Connection, case_id: str, cell_id: int) -> None:
    """Delete one cell with its image and its reviews."""
    _locked(connection, case_id)
    deleted = connection.execute(
        delete(CellRow).where(CellRow.case_id == case_id, CellRow.id == cell_key(cell_id))
    )
    if not deleted.rowcount:
        raise NotFoundError(NO_CELL)
    _touch(connection, case_id)


def review(connection: Connection, case_id: str, cells: Sequence[int], wanted: Review) -> None:
    """Record a review of cells, of all of them or none; earlier reviews stay in the table.

    Raises:
        NotFoundError: One of them is not in the case.
        ConflictError: One of them is a file that could not be read.
    """
    _locked(connection, case_id)
    ids = sorted({cell_key(cell_id) for cell_id in cells})
    found: list[str] = []
    for batch in batches(ids):
        query = select(CellRow.verdict).where(CellRow.case_id == case_id, CellRow.id.in_(batch))
        found.extend(connection.execute(query).scalars())
    if len(found) != len(ids):
        raise NotFoundError(NO_CELL)
    if Verdict.ERROR in found:
        raise ConflictError("a file that could not be read has nothing to review")
    row = {
        "case_id": case_id,
        "label": clean_text(wanted.label),
        "reviewer": clean_text(wanted.reviewer).strip(),
        "note": clean_text(wanted.note),
        "created": _now(),
    }
    connection.execute(insert(ReviewRow), [{**row, "cell_id": cell_id} for cell_id in ids])
    _touch(connection, case_id)


def undo(connection: Connection, case_id: str) -> int:
    """Undo the latest review of a case that is in force, with all that were given together with it.

    Returns:
        The id of the cell, of one of them.

    Raises:
        ConflictError: No review is in force.
    """
    _locked(connection, case_id)
    latest = (
        select(ReviewRow.created, ReviewRow.cell_id)
        .where(ReviewRow.case_id == case_id, ReviewRow.undone.is_(None))
        .order_by(ReviewRow.id.desc())
        .limit(1)
    )
    row = connection.execute(latest).one_or_none()
    if row is None:
        raise ConflictError("there is no review in this case to undo")
    together = (
        ReviewRow.case_id == case_id,
        ReviewRow.created == row.created,
        ReviewRow.undone.is_(None),
    )
    connection.execute(update(ReviewRow).where(*together).values(undone=_now()))
    _touch(connection, case_id)
    return row.cell_id


def clean_text(text: str) -> str:
    """Make text storable in every database: NUL and lone surrogates become U+FFFD."""
    valid = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return valid.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _locked(connection: Connection, case_id: str) -> Any:
    """Lock the row of a case until this transaction ends, and return it.

    Raises:
        NotFoundError: The case does not exist.
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
    """The cells of a case from files with these hashes, as sha256 to cell id."""
    known: dict[str, int] = {}
    for batch in batches(sorted({sha256 for sha256 in hashes if sha256})):
        query = select(CellRow.sha256, CellRow.id).where(
            CellRow.case_id == case_id, CellRow.sha256.in_(batch)
        )
        known.update((str(sha256), cell_id) for sha256, cell_id in connection.execute(query))
    return known


def _check_room(connection: Connection, case_id: str, new: int, limits: Limits) -> None:
    held = select(func.count()).select_from(CellRow).where(CellRow.case_id == case_id)
    number = connection.execute(held).scalar_one()
    if new and number + new > limits.case_cells:
        raise ConflictError(
            f"a case can have {limits.case_cells} cells; this one has {number}, and {new} more "
            "do not fit; start another case"
        )


def _insert(
    connection: Connection, case_id: str, new: Sequence[PredictionWithImage], keep_images: bool
) -> list[int]:
    if not new:
        return []
    now = _now()
    statement = insert(CellRow).returning(CellRow.id, sort_by_parameter_order=True)
    rows = [_row(case_id, prediction, now) for prediction, _ in new]
    ids = list(connection.execute(statement, rows).scalars())
    if keep_images:
        for cell_id, (prediction, data) in zip(ids, new, strict=True):
            # A file that is not a valid image is not stored: it cannot be shown.
            if data is not None and prediction.verdict != Verdict.ERROR:
                connection.execute(insert(ImageRow).values(cell_id=cell_id, data=data))
    _touch(connection, case_id)
    return ids


def _row(case_id: str, prediction: CellPrediction, now: datetime) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "name": clean_text(prediction.name),
        "subject": clean_text(prediction.subject),
        "p_all": prediction.p_all,
        "verdict": str(prediction.verdict),
        "logit": prediction.logit,
        "flags": [clean_text(flag) for flag in prediction.flags],
        "reason": clean_text(prediction.reason),
        "sha256": prediction.sha256 or None,
        "answered": now,
        "features": prediction.features,
        "pixels": prediction.pixels or None,
    }


def _now() -> datetime:
    return datetime.now(UTC)
