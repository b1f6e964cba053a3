"""Predict on one machine so that a stopped run goes on where it was.

Beside the table lies a hidden folder with the finished parts, until the table is complete and gets
its name. See `bulk.plan` for how a part is known again.
"""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path

from leukoscope.core.errors import FileError
from leukoscope.core.files import atomic_path, locked
from leukoscope.core.json_files import json_text
from leukoscope.core.progress import track
from leukoscope.inference.bulk.part_rows import (
    Rows,
    as_json_lines,
    belong,
    from_json_lines,
    part_row,
)
from leukoscope.inference.bulk.plan import HASH, Job, Part, cut, local_items, usual_rows
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.sources import Source

JOB, LOCK, SUFFIX = "job.json", "lock", ".jsonl"
LONGEST = 200  # bytes of a name that more can be added to

_log = logging.getLogger(__name__)


def work_folder(out: Path) -> Path:
    """The folder with the finished parts of a table that is not complete."""
    name = out.name
    if len(os.fsencode(name)) > LONGEST:
        name = sha256(os.fsencode(name)).hexdigest()[:HASH]
    return out.with_name(f".{name}.predicted")


@contextmanager
def resumable_rows(
    predictor: Predictor, sources: Sequence[Source], out: Path
) -> Iterator[Iterator[dict[str, object]]]:
    """Yield the rows of all images, in order; those of an earlier, stopped run are read.

    The finished parts are removed when the block ends without an error, which means that the table
    is in place.

    Args:
        predictor: The model.
        sources: The images.
        out: The table that the caller writes within the block.

    Raises:
        FileError: Another program predicts into this table now, or nothing can be written there.
    """
    folder = work_folder(out)
    job = Job.of(predictor, usual_rows(len(sources)))
    with _named(folder, out), _held(folder, out):
        parts = list(cut(job, local_items(sources)))
        done = _finished(folder, job, parts, len(sources))
        missing = [part for part in parts if part.number not in done]
        _predict(predictor, missing, lambda part, rows: _write(folder, part, rows))
        yield (row for part in parts for row in _required(folder, part, out))
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path, out: Path) -> Iterator[None]:
    """Hold the folder against other programs; one that is left empty is removed."""
    with locked(folder / LOCK, wait=False) as mine:
        if not mine:
            raise FileError(f"{out}: another program predicts into it; wait, or choose a new name.")
        try:
            yield
        finally:
            if folder.is_dir() and not any(folder.glob("part-*")):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _named(folder: Path, out: Path) -> Iterator[None]:
    """Let an error of writing a part name the table, which is what the user asked for."""
    try:
        yield
    except FileError as error:
        hidden = re.escape(str(folder)) + r"[/\\]?[\w.-]*"
        raise FileError(re.sub(hidden, lambda _: str(out), str(error))) from error


def _finished(folder: Path, job: Job, parts: Sequence[Part], images: int) -> set[int]:
    """Numbers of the parts that an earlier run finished; whatever is of another job is removed."""
    names = {path.name for path in folder.iterdir()} - {LOCK, JOB}
    mine = [part for part in parts if part.stem + SUFFIX in names]
    done = {part.number for part in mine if _read(folder, part) is not None}
    kept = {part.stem + SUFFIX for part in mine if part.number in done}
    if done:
        count = sum(len(part.items) for part in parts if part.number in done)
        _log.info("Going on: %s of %s images are predicted already.", f"{count:,}", f"{images:,}")
    elif any(name.startswith("part-") for name in names):
        _log.warning("Starting again: %s.", _why(folder, job))
    for name in names - kept:
        with suppress(OSError):
            (folder / name).unlink()
    with atomic_path(folder / JOB) as temporary:
        temporary.write_text(json_text(job.record()), encoding="utf-8")
    return done


def _why(folder: Path, job: Job) -> str:
    """What differs between a stopped run and this one."""
    try:
        before = json.loads((folder / JOB).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    if before.get("model") != job.model:
        return "the stopped run had another model"
    if before.get("version") != job.version:
        return "the stopped run was of another version of Leukoscope"
    return "the images are others, or changed since the run was stopped"


def _predict(
    predictor: Predictor, parts: Sequence[Part], finish: Callable[[Part, Rows], None]
) -> None:
    """Predict the images of all parts as one stream, and finish each part with its rows."""
    images = [item.source for part in parts for item in part.items]
    predictions = track(predictor.stream(images), "Predicting", total=len(images))
    items = chain.from_iterable(part.items for part in parts)
    rows = (
        part_row(item, prediction, predictor.card.name)
        for item, prediction in zip(items, predictions, strict=True)
    )
    for part in parts:
        finish(part, list(islice(rows, len(part.items))))


def _write(folder: Path, part: Part, rows: Rows) -> None:
    with atomic_path(folder / f"{part.stem}{SUFFIX}") as temporary:
        temporary.write_bytes(as_json_lines(rows))


def _read(folder: Path, part: Part) -> Rows | None:
    """The rows of a finished part; None if the file is damaged."""
    try:
        rows = from_json_lines((folder / f"{part.stem}{SUFFIX}").read_bytes())
    except (ValueError, OSError):
        return None
    return rows if belong(rows, part) else None


def _required(folder: Path, part: Part, out: Path) -> Rows:
    rows = _read(folder, part)
    if rows is None:
        raise FileError(f"{out}: a finished part of it was damaged; run the same command again.")
    return rows
