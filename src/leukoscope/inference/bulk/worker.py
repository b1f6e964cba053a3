"""Predict one part: what a worker of a cluster does, whichever machine it is on."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from leukoscope.core.verdicts import Verdict
from leukoscope.inference.bulk.attempts import Attempt
from leukoscope.inference.bulk.part_rows import Rows, as_parquet, belong, from_parquet, part_row
from leukoscope.inference.bulk.plan import Item, Job, Part
from leukoscope.inference.bulk.reading import read_all, stamped
from leukoscope.inference.bulk.storage import Storage
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.sources import Image
from leukoscope.inference.subject.copies import PIXELS

SUMMARY = ("subject", "verdict", "logit", "flags", PIXELS)  # what the answers for subjects need


class Counter(Protocol):
    """The attempts of all workers; see `bulk.attempts.Attempts`."""

    def begin(self, part: int) -> Attempt:
        """Note that a worker begins a part."""

    def at(self, part: int, image: int) -> None:
        """Note that a worker is about to predict one image."""

    def end(self, part: int) -> int:
        """Note that a part is finished; the number of workers that died at it."""


@dataclass(frozen=True)
class Finished:
    """A part that lies in the storage.

    Attributes:
        number: Place in the plan.
        file: Name in the storage.
        rows: Number of images.
        failed: Images with the verdict "error".
        summary: A row per image, with the columns `SUMMARY`.
        found: An earlier job had finished it.
        deaths: Workers that died at it.
        retries: Images that were read more than once, with the reasons.
    """

    number: int
    file: str
    rows: int
    failed: int
    summary: Rows
    found: bool = False
    deaths: int = 0
    retries: tuple[tuple[str, str], ...] = ()

    def record(self) -> dict[str, object]:
        """The entry of the manifest."""
        facts: dict[str, object] = {"file": self.file, "rows": self.rows, "failed": self.failed}
        if self.deaths:
            facts["workers_died"] = self.deaths
        if self.retries:
            facts["retries"] = [{"path": path, "reason": reason} for path, reason in self.retries]
        return facts


class PartWorker:
    """Predicts parts with a model that is opened once.

    Args:
        model: The content of the model file.
        job: The job.
        storage: Where the parts go.
        counter: The attempts of all workers.
        threads: Threads of this worker.
    """

    def __init__(
        self, model: bytes, job: Job, storage: Storage, counter: Counter, threads: int
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(model)
            self._predictor = Predictor(path, threads=threads)
        self._job, self._storage, self._counter = job, storage, counter

    def finish(self, part: Part) -> Finished:
        """Predict a part and write it, unless an earlier attempt has done so."""
        part = Part(part.number, tuple(stamped(part.items)))
        file = f"{part.stem(self._job)}.parquet"
        rows = self._found(file, part)
        if rows is not None:
            return _finished(part, file, rows, found=True)
        attempt = self._counter.begin(part.number)
        retries: list[tuple[str, str]] = []
        rows = list(self._rows(part, attempt, retries))
        self._storage.write(file, as_parquet(rows))
        deaths = self._counter.end(part.number)
        return _finished(part, file, rows, deaths=deaths, retries=tuple(retries))

    def _found(self, file: str, part: Part) -> Rows | None:
        content = self._storage.read(file)
        if content is None:
            return None
        try:
            rows = from_parquet(content)
        except ValueError:
            return None
        return rows if belong(rows, part) else None

    def _rows(
        self, part: Part, attempt: Attempt, retries: list[tuple[str, str]]
    ) -> Iterator[dict[str, object]]:
        items = [
            _fatal(item, attempt.earlier) if place in attempt.fatal else item
            for place, item in enumerate(part.items)
        ]
        images = self._images(items, retries)
        if attempt.careful:
            predictions = (
                self._predictor.predict_batch([image])[0]
                for image in _announced(images, lambda place: self._counter.at(part.number, place))
            )
        else:
            predictions = (prediction for prediction in self._predictor.stream(images))
        name = self._predictor.card.name
        for item, prediction in zip(part.items, predictions, strict=True):
            yield part_row(item, prediction, name)

    @staticmethod
    def _images(items: list[Item], retries: list[tuple[str, str]]) -> Iterator[Image]:
        for item, got in zip(items, read_all(items), strict=True):
            retries += [(item.name, reason) for reason in got.failures]
            yield got.image


def _announced(images: Iterator[Image], announce: Callable[[int], None]) -> Iterator[Image]:
    for place, image in enumerate(images):
        announce(place)
        yield image


def _fatal(item: Item, attempts: int) -> Item:
    problem = f"workers died while they predicted this image, in {attempts} attempts at its part."
    return replace(item, source=replace(item.source, problem=problem))


def _finished(part: Part, file: str, rows: Rows, **facts: Any) -> Finished:
    failed = sum(row["verdict"] == Verdict.ERROR for row in rows)
    summary = [{name: row.get(name, "") for name in SUMMARY} for row in rows]
    return Finished(part.number, file, len(rows), failed, summary, **facts)
