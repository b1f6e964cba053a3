"""A prediction that is stopped goes on where it was, and its table is that of one run."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from leukoscope.api.predict import predict_to_table
from leukoscope.core.errors import FileError
from leukoscope.core.files import locked
from leukoscope.core.tables import read_table
from leukoscope.inference.bulk import resume
from leukoscope.inference.bulk.plan import FEWEST_ROWS, MOST_ROWS, usual_rows
from leukoscope.inference.bulk.resume import LOCK, work_folder
from leukoscope.inference.predictor import Predictor
from tests.inference.tiny_model import cell_image, write_tiny_model
from tests.torture.commands import environment, start

pytestmark = pytest.mark.slow(5)

CELLS = 3 * FEWEST_ROWS + 5


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    folder = tmp_path / "cells"
    folder.mkdir()
    for number in range(CELLS):
        picture = Image.fromarray(cell_image(number, 200))
        picture.save(folder / f"UID_{number % 3 + 1}_{number}_1_all.bmp")
    (folder / "broken.bmp").write_bytes(b"BM no image")
    return folder


@pytest.fixture
def predicted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the images that the network sees, in order."""
    names: list[str] = []
    stream = Predictor.stream

    def noted(self: Predictor, images: Any, **options: Any) -> Iterator[Any]:
        for prediction in stream(self, images, **options):
            names.append(prediction.name)
            yield prediction

    monkeypatch.setattr(Predictor, "stream", noted)
    return names


def stop_after(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C when so many parts are written."""
    write, left = resume._write, [parts]

    def stopping(*arguments: Any) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        write(*arguments)

    monkeypatch.setattr(resume, "_write", stopping)


def interrupted(cells: Path, model: Path, out: Path, parts: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stop_after(parts, patch)
        with pytest.raises(KeyboardInterrupt):
            predict_to_table([cells], model, out=out)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_stopped_run_predicts_only_what_is_missing(
    suffix: str, cells: Path, model_path: Path, tmp_path: Path, predicted: list[str]
) -> None:
    whole, out = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    outcome = predict_to_table([cells], model_path, out=whole)
    everything = list(predicted)
    interrupted(cells, model_path, out, 2)
    assert not out.exists()
    predicted.clear()
    assert predict_to_table([cells], model_path, out=out) == outcome
    assert predicted == everything[2 * FEWEST_ROWS :]
    assert out.read_bytes() == whole.read_bytes()
    assert not work_folder(out).exists()


def test_a_complete_table_stays_until_the_new_one_is_complete(
    cells: Path, model_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    predict_to_table([cells], model_path, out=out)
    before = out.read_bytes()
    (cells / "broken.bmp").unlink()
    interrupted(cells, model_path, out, 1)
    assert out.read_bytes() == before
    assert predict_to_table([cells], model_path, out=out).rows == CELLS
    assert len(read_table(out)["path"]) == CELLS


def test_a_changed_image_is_predicted_again(
    cells: Path, model_path: Path, tmp_path: Path, predicted: list[str]
) -> None:
    out, changed = tmp_path / "out.csv", cells / "UID_1_0_1_all.bmp"
    interrupted(cells, model_path, out, 3)
    predicted.clear()
    Image.fromarray(cell_image(99, 200)).save(changed)
    os.utime(changed, ns=(1, 1))
    predict_to_table([cells], model_path, out=out)
    assert str(changed) in predicted
    again = tmp_path / "again.csv"
    predict_to_table([cells], model_path, out=again)
    assert out.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("change", ["model", "images"])
def test_another_job_starts_again_and_says_so(
    change: str,
    cells: Path,
    model_path: Path,
    tmp_path: Path,
    predicted: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    out, model = tmp_path / "out.csv", model_path
    interrupted(cells, model_path, out, 2)
    if change == "model":
        model = write_tiny_model(tmp_path / "other.onnx", seed=1)
    else:
        (cells / "0.bmp").write_bytes(b"")
    predicted.clear()
    caplog.clear()
    outcome = predict_to_table([cells], model, out=out)
    assert len(predicted) == outcome.rows
    assert "Starting again" in caplog.text
    assert ("another model" in caplog.text) == (change == "model")
    again = tmp_path / "again.csv"
    predict_to_table([cells], model, out=again)
    assert out.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("content", [b"", b'{"path": "x"}\n', b"\xff\x00", b"[1]\n"])
def test_a_damaged_part_is_predicted_again(
    content: bytes, cells: Path, model_path: Path, tmp_path: Path, predicted: list[str]
) -> None:
    out = tmp_path / "out.csv"
    interrupted(cells, model_path, out, 2)
    sorted(work_folder(out).glob("part-*"))[0].write_bytes(content)
    predicted.clear()
    outcome = predict_to_table([cells], model_path, out=out)
    assert len(predicted) == outcome.rows - FEWEST_ROWS
    assert outcome.rows == CELLS + 1


def test_two_programs_do_not_write_one_table(cells: Path, model_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with locked(work_folder(out) / LOCK), pytest.raises(FileError, match="another program"):
        predict_to_table([cells], model_path, out=out)


def test_few_images_leave_no_folder_even_when_stopped(
    cells: Path, model_path: Path, tmp_path: Path
) -> None:
    few = sorted(cells.iterdir())[:FEWEST_ROWS]
    assert predict_to_table(few, model_path, out=tmp_path / "o.csv").rows == FEWEST_ROWS
    interrupted(cells, model_path, tmp_path / "out.csv", 0)
    assert not work_folder(tmp_path / "out.csv").exists()


def test_parts_are_small_for_few_images_and_bounded_for_many() -> None:
    assert usual_rows(17) == FEWEST_ROWS
    assert usual_rows(10**6) == MOST_ROWS
    assert 200 <= 100_000 / usual_rows(100_000) <= 300


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_killed_process_goes_on(
    suffix: str, cells: Path, model_path: Path, tmp_path: Path
) -> None:
    whole, out = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    predict_to_table([cells], model_path, out=whole)
    arguments = ["predict", str(model_path), str(cells), "--out", str(out)]
    process = start(arguments, environment(tmp_path / "home"))
    until = time.monotonic() + 300
    while process.poll() is None and not any(work_folder(out).glob("part-*")):
        assert time.monotonic() < until
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    predict_to_table([cells], model_path, out=out)
    assert out.read_bytes() == whole.read_bytes()
    assert not work_folder(out).exists()
