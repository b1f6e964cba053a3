"""Predictions on a Ray cluster are those of one machine, and each is there exactly once."""

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import leukoscope as ls
from leukoscope.api.cluster import predict_on_cluster
from leukoscope.api.predict import predict_to_table
from leukoscope.core.errors import CohortError, FileError
from leukoscope.core.tables import read_table
from leukoscope.data.audit import cluster as audit_cluster
from leukoscope.data.audit.file_state import UNSEEN
from leukoscope.data.audit.scan import Scan
from leukoscope.data.cnmc.identity import Identity
from leukoscope.data.cohort import make_cohort
from leukoscope.data.hashing import UNREADABLE
from leukoscope.inference.bulk import cluster, manifest
from leukoscope.inference.bulk.storage import open_storage
from leukoscope.inference.subject.copies import PIXELS
from leukoscope.inference.summary import Outcome
from tests.inference.bulk.conftest import PARTS, ROWS

pytestmark = pytest.mark.slow(30)

PATIENCE = 300  # seconds


def local(cells: Path, model: Path, folder: Path) -> tuple[list[dict[str, Any]], Any]:
    """The rows and the outcome of one machine."""
    outcome = predict_to_table([cells], model, out=folder / "local.parquet")
    return rows_of(folder / "local.parquet"), outcome


def rows_of(path: Path) -> list[dict[str, Any]]:
    table = read_table(path)
    names = list(table)
    return [dict(zip(names, row, strict=True)) for row in zip(*table.values(), strict=True)]


def listed(out: str, folder: Path) -> list[dict[str, Any]]:
    """The rows of the parts in the manifest; nothing else may be there."""
    storage = open_storage(out)
    body = json.loads(storage.read(manifest.MANIFEST) or b"")
    files = [part["file"] for part in body["parts"]]
    assert storage.names() == {manifest.MANIFEST, *files}
    rows: list[dict[str, Any]] = []
    for number, file in enumerate(files):
        copy = folder / f"{number}.parquet"
        copy.write_bytes(storage.read(file) or b"")
        part = [{k: v for k, v in row.items() if k != PIXELS} for row in rows_of(copy)]
        assert len(part) == body["parts"][number]["rows"]
        rows += part
    assert len(rows) == body["rows"]
    return rows


def same(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> bool:
    return repr(rows) == repr(others)  # nan is nan


@pytest.fixture(scope="module")
def finished(
    ray_cluster: None,
    s3: str,
    cells: Path,
    model_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Outcome]:
    """A copy of the folder of a complete job, one of whose workers was killed, and its outcome.

    Its cells were in the bucket, and its output there.
    """
    import s3fs

    store = s3fs.S3FileSystem()
    store.put(str(cells), "bucket/cells", recursive=True)
    folder = tmp_path_factory.mktemp("job")
    killed = threading.Thread(target=kill_one_worker, args=(folder,), daemon=True)
    killed.start()
    outcome = predict_on_cluster(
        [f"{s3}/cells"], model_path, out=f"{s3}/out", workers=2, worker_cores=1, part_rows=ROWS
    )
    killed.join(PATIENCE)
    assert (folder / "killed").exists()
    store.get("bucket/out", str(folder / "out"), recursive=True)
    return folder / "out", outcome


def test_the_rows_are_those_of_one_machine_though_a_worker_was_killed(
    finished: tuple[Path, Outcome], s3: str, cells: Path, model_path: Path, tmp_path: Path
) -> None:
    out, outcome = finished
    rows, expected = local(cells, model_path, tmp_path)
    assert outcome == expected
    found = listed(f"{s3}/out", tmp_path)
    assert [row["path"] for row in found] == [
        f"{s3}/cells/{Path(row['path']).name}" for row in rows
    ]
    for row in (*found, *rows):
        row["path"] = ""
    assert same(found, rows)
    assert len(json.loads((out / manifest.MANIFEST).read_text())["parts"]) == PARTS


def kill_one_worker(folder: Path) -> None:
    """Kill one process of a worker as soon as there is one."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and is_worker_of_this_process(entry):
                os.kill(int(entry.name), signal.SIGKILL)
                (folder / "killed").touch()
                return
        time.sleep(0.01)


def is_worker_of_this_process(entry: Path) -> bool:
    try:
        name = (entry / "cmdline").read_bytes()
        return name.startswith(b"ray::MapWorker") and b"submit" in name
    except OSError:
        return False


def test_a_stopped_job_goes_on_and_predicts_only_what_is_missing(
    finished: tuple[Path, Outcome], s3: str, model_path: Path, tmp_path: Path
) -> None:
    """From the bucket to a folder."""
    out = tmp_path / "out"
    shutil.copytree(finished[0], out)
    (out / manifest.MANIFEST).unlink()
    parts = sorted(out.glob("part-*"))
    parts[0].unlink()
    parts[1].write_bytes(parts[1].read_bytes()[:-9])
    kept = {path: path.stat().st_mtime_ns for path in parts[2:]}
    outcome = predict_on_cluster([f"{s3}/cells"], model_path, out=str(out), part_rows=ROWS)
    assert outcome == finished[1]
    assert {path: path.stat().st_mtime_ns for path in parts[2:]} == kept
    assert same(listed(str(out), tmp_path), listed(str(finished[0]), tmp_path))


@pytest.mark.usefixtures("ray_cluster")
def test_an_output_that_cannot_be_written_is_one_line(cells: Path, model_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        predict_on_cluster([cells], model_path, out="s3://no-such-bucket/out", part_rows=ROWS)
    assert "\n" not in str(caught.value)


def test_an_error_of_ray_says_that_the_job_goes_on() -> None:
    error = cluster._own_error(RuntimeError("lost\nnode gone"), "out")
    assert str(error).startswith("out: the cluster stopped (node gone)")


@pytest.mark.usefixtures("ray_cluster")
def test_an_audit_on_the_cluster_is_that_of_one_machine(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_cluster, "IMAGES", ROWS)
    cohort = make_cohort({"path": [str(path) for path in sorted(cells.iterdir())]})
    here, there = tmp_path / "here", tmp_path / "there"
    ls.audit(cohort, out=here)
    ls.audit(cohort.select(np.arange(ROWS)), out=tmp_path / "first", cluster=True)
    ls.audit(cohort, out=there, against=tmp_path / "first", cluster=True)
    for name in ("cohort.csv", "pairs.csv"):
        assert (there / name).read_text() == (here / name).read_text()


def test_an_image_that_only_this_machine_sees_is_an_error_and_not_unreadable(cells: Path) -> None:
    unread = Scan(Identity(), None, (UNREADABLE,), UNSEEN)
    with pytest.raises(CohortError, match="All machines must see"):
        audit_cluster.require_seen(str(next(cells.iterdir())), unread)
    audit_cluster.require_seen(str(cells / "absent.bmp"), unread)
