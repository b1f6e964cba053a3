"""What a worker does with one part, without a cluster."""

import json
from pathlib import Path
from typing import Any

import pytest

from leukoscope.inference.bulk import manifest, reading
from leukoscope.inference.bulk.attempts import Attempts
from leukoscope.inference.bulk.listing import list_items
from leukoscope.inference.bulk.plan import Job, Part, cut
from leukoscope.inference.bulk.storage import FolderStorage
from leukoscope.inference.bulk.worker import PartWorker
from leukoscope.inference.predictor import Predictor
from tests.inference.bulk.conftest import PARTS, ROWS


@pytest.fixture
def job(model_path: Path) -> Job:
    return Job.of(Predictor(model_path), ROWS)


@pytest.fixture
def parts(cells: Path) -> list[Part]:
    return list(cut(list_items([str(cells)]), ROWS))


def worker(model: Path, job: Job, out: Path, attempts: Attempts) -> PartWorker:
    return PartWorker(model.read_bytes(), job, FolderStorage(out), attempts, threads=1)


def test_a_part_that_is_there_is_not_predicted_again(
    model_path: Path, job: Job, parts: list[Part], tmp_path: Path
) -> None:
    mine = worker(model_path, job, tmp_path, Attempts())
    first, again = mine.finish(parts[0]), mine.finish(parts[0])
    assert (first.found, again.found) == (False, True)
    assert (first.file, first.summary) == (again.file, again.summary)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_drive_that_fails_once_is_asked_again_and_the_reason_kept(
    model_path: Path,
    job: Job,
    parts: list[Part],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clean = worker(model_path, job, tmp_path / "clean", Attempts()).finish(parts[0])
    content, failed = reading._content, [parts[0].items[1].name]

    def failing(item: Any) -> bytes:
        if item.name in failed:
            failed.remove(item.name)
            raise OSError(5, "the drive was away")
        return content(item)

    monkeypatch.setattr(reading, "_content", failing)
    monkeypatch.setattr(reading.time, "sleep", lambda _: None)
    part = worker(model_path, job, tmp_path / "out", Attempts()).finish(parts[0])
    assert part.summary == clean.summary
    (retry,) = part.record()["retries"]  # type: ignore[misc, attr-defined]
    assert retry["path"] == parts[0].items[1].name
    assert "the drive was away" in retry["reason"]


def test_a_drive_that_keeps_failing_is_an_error_with_the_reason(
    model_path: Path,
    job: Job,
    parts: list[Part],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(item: Any) -> bytes:
        raise OSError(5, "the drive is away")

    monkeypatch.setattr(reading, "_content", failing)
    monkeypatch.setattr(reading.time, "sleep", lambda _: None)
    part = worker(model_path, job, tmp_path, Attempts()).finish(parts[0])
    assert part.failed == part.rows == ROWS
    assert len(part.retries) == reading.TRIES * ROWS


def test_an_image_that_kills_workers_becomes_an_error_and_the_part_goes_on(
    model_path: Path,
    job: Job,
    parts: list[Part],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts, poison = Attempts(), parts[0].items[2].name
    content = reading._content

    class Death(BaseException):
        pass

    def deadly(item: Any) -> bytes:
        return b"deadly" if item.name == poison else content(item)

    batch = Predictor.predict_batch

    def dying(self: Predictor, images: Any, **options: Any) -> Any:
        if b"deadly" in images:
            raise Death
        return batch(self, images, **options)

    monkeypatch.setattr(reading, "_content", deadly)
    monkeypatch.setattr(Predictor, "predict_batch", dying)
    for _ in range(4):
        with pytest.raises(Death):
            worker(model_path, job, tmp_path, attempts).finish(parts[0])
    part = worker(model_path, job, tmp_path, attempts).finish(parts[0])
    assert (part.rows, part.failed, part.deaths) == (ROWS, 1, 4)
    assert part.summary[2]["verdict"] == "error"


def test_the_manifest_replaces_an_earlier_result_whole(
    model_path: Path, job: Job, parts: list[Part], tmp_path: Path
) -> None:
    storage = FolderStorage(tmp_path)
    assert manifest.begin(storage, job) == ""
    mine = worker(model_path, job, tmp_path, Attempts())
    done = [mine.finish(part) for part in parts]
    (tmp_path / "mine.txt").write_text("not ours")
    (tmp_path / f"part-000000-{'0' * 16}.parquet").write_bytes(b"of an earlier result")
    manifest.complete(storage, job, done)
    assert storage.names() == {"mine.txt", manifest.MANIFEST, *(part.file for part in done)}
    body = json.loads((tmp_path / manifest.MANIFEST).read_text())
    assert (len(body["parts"]), body["failed"]) == (PARTS, 1)


def test_another_model_is_said(model_path: Path, job: Job, tmp_path: Path) -> None:
    from dataclasses import replace

    storage = FolderStorage(tmp_path)
    manifest.begin(storage, job)
    assert manifest.begin(storage, job) == ""
    assert "another model" in manifest.begin(storage, replace(job, model="0" * 64))
