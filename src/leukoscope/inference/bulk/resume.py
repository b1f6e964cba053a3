"""Predict on one machine so that a stopped run resumes where it ended.

A hidden folder next to the table holds the finished parts, until the table is complete and gets
its name. See `bulk.plan` for how a part is recognized.
"""

import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path

from leukoscope.core.errors import FileError
from leukoscope.core.files import atomic_path, locked, write_text
from leukoscope.core.json_files import json_text
from leukoscope.core.progress import track
from leukoscope.inference.bulk.part_rows import (
    Rows,
    as_json_lines,
    belong,
    from_json_lines,
    part_row,
)
from leukoscope.inference.bulk.plan import (
    HASH,
    Job,
    Part,
    cut,
    local_items,
    usual_rows,
    why_other,
)
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
        parts = {
            folder / f"{part.stem(job)}{SUFFIX}": part
            for part in cut(local_items(sources), job.rows_per_part)
        }
        done = _finished(folder, job, parts, len(sources))
        _predict(predictor, {path: part for path, part in parts.items() if path not in done})
        yield (row for path, part in parts.items() for row in _required(path, part, out))
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path, out: Path) -> Iterator[None]:
    """Hold the folder against other programs; one that is left empty is removed."""
    with locked(folder / LOCK, wait=False) as mine:
        if not mine:
            raise FileError(f"{out}: another program is writing it; wait, or choose a new name.")
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


def _finished(folder: Path, job: Job, parts: Mapping[Path, Part], images: int) -> set[Path]:
    """The parts that an earlier run finished; whatever is of another job is removed."""
    there = set(folder.iterdir()) - {folder / LOCK, folder / JOB}
    done = {path for path in there & parts.keys() if _read(path, parts[path]) is not None}
    if done:
        count = sum(len(parts[path].items) for path in done)
        _log.info("Resuming: %s of %s images are predicted already.", f"{count:,}", f"{images:,}")
    elif any(path.name.startswith("part-") for path in there):
        _log.warning("Starting again: %s.", why_other(_record(folder), job))
    for path in there - done:
        with suppress(OSError):
            path.unlink()
    write_text(folder / JOB, json_text(job.record()))
    return done


def _record(folder: Path) -> str:
    with suppress(OSError):
        return (folder / JOB).read_text(encoding="utf-8")
    return ""


def _predict(predictor: Predictor, parts: Mapping[Path, Part]) -> None:
    """Predict the images of all parts as one stream, and write each part when it is complete."""
    items = [item for part in parts.values() for item in part.items]
    stream = predictor.stream(item.source for item in items)
    predictions = track(stream, "Predicting", total=len(items))
    rows = (
        part_row(item, prediction, predictor.card.name)
        for item, prediction in zip(items, predictions, strict=True)
    )
    for path, part in parts.items():
        _write(path, list(islice(rows, len(part.items))))


def _write(path: Path, rows: Rows) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(as_json_lines(rows))


def _read(path: Path, part: Part) -> Rows | None:
    """The rows of a finished part; None if the file is damaged."""
    try:
        rows = from_json_lines(path.read_bytes())
    except (ValueError, OSError):
        return None
    return rows if belong(rows, part) else None


def _required(path: Path, part: Part, out: Path) -> Rows:
    rows = _read(path, part)
    if rows is None:
        raise FileError(f"{out}: a finished part of it was damaged; run the same command again.")
    return rows
