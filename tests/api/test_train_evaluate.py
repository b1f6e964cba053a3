import json
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import leukoscope as ls
from leukoscope.api.evaluate import report_folder
from leukoscope.core.errors import (
    RESEARCH_USE,
    CohortError,
    LeakageError,
    SplitError,
    TrainingError,
)
from leukoscope.core.files import sha256_file
from leukoscope.core.tables import read_table
from leukoscope.data.splits.partition import read_split
from leukoscope.evaluation.report.text import warnings
from leukoscope.inference.model_file.model_file import default_model, read_card, write_card
from leukoscope.training.run import Run, exclusive, read_run
from tests.training.tiny import FILE_SETTINGS, write_cells

pytestmark = pytest.mark.slow(16)

SETTINGS = FILE_SETTINGS | {"fit.epochs": 2, "network.widths": [4, 8]}


def train(cells: Path, out: Path, **more: Any) -> Run:
    settings = SETTINGS | more.pop("settings", {})
    return ls.train(cells, "cnn-gap", out=out, settings=settings, **more)


@pytest.fixture(scope="module")
def opened() -> Counter[str]:
    """How often each file has been opened by Python code."""
    count: Counter[str] = Counter()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            count[arguments[0]] += 1

    sys.addaudithook(note)  # it can't be taken off again
    return count


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cells(tmp_path_factory.mktemp("cells") / "own")


@pytest.fixture(scope="module")
def run(cells: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(cells, tmp_path_factory.mktemp("runs") / "person")


@pytest.fixture(scope="module")
def evaluation(run: Run) -> Any:
    return ls.evaluate(run)


def test_the_run_folder_holds_everything(run: Run) -> None:
    names = {path.name for path in run.folder.iterdir()}
    assert names >= {
        "recipe.yaml",
        "split.json",
        "cohort.csv",
        "log.csv",
        "curves.png",
        "last.safetensors",
        "best.safetensors",
        "model.onnx",
    }
    again = read_run(run.folder)
    assert again.recipe == run.recipe
    assert again.split == run.split
    assert again.cohort["part"].tolist() == run.cohort["part"].tolist()


def test_no_person_stands_in_two_parts(run: Run) -> None:
    pairs = set(zip(run.cohort["person"], run.cohort["part"], strict=True))
    assert len(pairs) == len({person for person, _ in pairs}) == 16


def test_a_run_is_measured_on_its_test_persons(run: Run, evaluation: Any) -> None:
    tested = run.cohort.select(np.flatnonzero(run.cohort["part"] == "test"))
    assert evaluation.cells["ALL"] + evaluation.cells["HEM"] == len(tested)
    assert evaluation.metrics["auroc"].value > 0.9  # they differ in size and color
    assert not evaluation.protocol.leaky
    assert not evaluation.protocol.synthetic  # own file names
    assert not evaluation.protocol.overlap.persons
    assert not evaluation.protocol.overlap.hashes
    table = read_table(run.folder / "predictions.csv")
    assert set(table["path"]) == set(tested["path"])


def test_the_reports_are_written_and_the_card_has_the_figures(run: Run, evaluation: Any) -> None:
    assert RESEARCH_USE in (run.folder / "report.html").read_text()
    json.loads((run.folder / "report.json").read_text())
    measured = read_card(run.model).results["auroc"]
    assert measured.value == evaluation.metrics["auroc"].value
    assert measured.part == "test"


def test_persons_trained_on_are_refused_by_name(run: Run, cells: Path, tmp_path: Path) -> None:
    trained = read_card(run.model).training.persons["train"]
    with pytest.raises(LeakageError, match=rf"trained on .*{trained[0]}.*--allow-overlap"):
        ls.evaluate(run.model, cells, out=tmp_path)
    assert not list(tmp_path.iterdir())
    allowed = ls.evaluate(run.model, cells, allow_overlap=True, out=tmp_path)
    assert set(allowed.protocol.overlap.persons) >= set(trained)
    assert allowed.protocol.overlap.hashes > 0
    assert any("train" in line for line in warnings(allowed))


def test_the_same_images_under_other_names_are_refused(
    run: Run, cells: Path, tmp_path: Path
) -> None:
    cohort = ls.read_cohort(cells)
    renamed = [f"S9{person.strip('HS')}" for person in cohort["person"]]
    other = cohort.with_columns(person=renamed, subject=renamed)
    with pytest.raises(LeakageError, match="of these images"):
        ls.evaluate(run.model, other, out=tmp_path)


def test_re_encoded_copies_under_other_names_are_refused(
    run: Run, cells: Path, tmp_path: Path
) -> None:
    cohort = ls.read_cohort(cells)
    trained = run.cohort.select(run.cohort["part"] == "train")
    copies = []
    for number, path in enumerate(trained.paths[:4]):
        with PIL.Image.open(path) as image:
            turned = image.convert("RGB").transpose(PIL.Image.Transpose.ROTATE_90)
        copies.append(tmp_path / f"{number}.png")
        turned.save(copies[-1])
    blank = [""] * len(copies)
    other = cohort.select(np.arange(len(copies))).with_columns(
        path=[str(path) for path in copies],
        label=trained["label"][: len(copies)],
        sha256=blank,
        person=[f"S9{row}" for row in range(len(copies))],
        subject=[f"S9{row}" for row in range(len(copies))],
    )
    with pytest.raises(LeakageError, match="4 of these images"):
        ls.evaluate(run.model, other, out=tmp_path / "report")


def test_the_report_of_the_shipped_model_is_not_written_into_the_package(tmp_path: Path) -> None:
    assert report_folder("default") == Path("evaluation-default")
    assert report_folder(default_model()) == Path("evaluation-default")
    assert report_folder(tmp_path / "own.onnx") == tmp_path / "evaluation-own"


def test_other_persons_are_measured(run: Run, tmp_path: Path) -> None:
    others = write_cells(tmp_path / "others", persons=3, first=50)
    before = read_card(run.model)
    result = ls.evaluate(run.model, others, out=tmp_path / "report")
    assert result.cells["ALL"] + result.cells["HEM"] == 24
    assert not result.protocol.overlap.hashes
    assert (tmp_path / "report" / "report.html").is_file()
    assert read_card(run.model) == before


def test_each_image_is_opened_and_decoded_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Counter[str]
) -> None:
    cohort = ls.read_cohort(write_cells(tmp_path / "others", persons=3, first=50))
    broken = cohort.paths[0]
    broken.write_bytes(b"no image")
    cohort = cohort.with_columns(sha256=[""] * len(cohort))
    # The report reads the errors that it shows once more.
    monkeypatch.setattr("leukoscope.evaluation.report.sections.ERRORS_SHOWN", 0)
    decoded = []
    decode = PIL.Image.open

    def counted(*args: Any, **options: Any) -> Any:
        decoded.append(args)
        return decode(*args, **options)

    monkeypatch.setattr(PIL.Image, "open", counted)
    opened.clear()
    result = ls.evaluate(run.model, cohort, out=tmp_path / "report")
    assert {path: opened[str(path)] for path in cohort.paths} == dict.fromkeys(cohort.paths, 1)
    assert len(decoded) == len(cohort)
    assert result.cells["without probability"] == 1
    table = read_table(tmp_path / "report" / "predictions.csv")
    for path, digest in zip(cohort.paths, table["sha256"], strict=True):
        assert digest == sha256_file(path)


def test_test_images_that_changed_or_are_away_are_refused(run: Run, tmp_path: Path) -> None:
    tested, hashes = run.cohort["part"] == "test", run.cohort["sha256"].copy()
    hashes[tested] = "0" * 64
    table = run.cohort.with_columns(sha256=hashes)
    with pytest.raises(CohortError, match="changed since the training"):
        ls.evaluate(replace(run, cohort=table), part="test", out=tmp_path)
    away = run.cohort.with_columns(path=[f"{path}.away" for path in run.cohort["path"]])
    with pytest.raises(CohortError, match="There is no file"):
        ls.evaluate(replace(run, cohort=away), part="test", out=tmp_path)


def test_a_part_trained_on_is_marked(run: Run, tmp_path: Path) -> None:
    result = ls.evaluate(run, part="train", out=tmp_path)
    assert set(result.protocol.overlap.persons) == set(run.split.units("train"))


def test_an_image_split_is_marked_leaky(cells: Path, tmp_path: Path) -> None:
    run = train(cells, tmp_path / "image", split="image", settings={"fit.epochs": 1})
    assert read_split(run.folder / "split.json").leaky
    assert read_card(run.model).training.split.leaky
    result = ls.evaluate(run.folder)
    assert result.protocol.leaky
    assert result.protocol.overlap.persons
    assert any("image" in line for line in warnings(result))


def test_other_settings_in_its_folder_are_refused_and_nothing_is_touched(
    run: Run, cells: Path
) -> None:
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    for change in ({"seed": 1}, {"split": "image"}, {"settings": {"loss.l2": 0.1}}):
        with pytest.raises(TrainingError, match="--fresh"):
            train(cells, run.folder, **change)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_fresh_clears_what_an_earlier_training_made(
    run: Run, evaluation: Any, cells: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    (folder / "notes.txt").write_text("mine")
    wild = {"optimizer.name": "sgd", "optimizer.learning_rate": 1e30, "loss.l2": 1e6}
    with pytest.raises(TrainingError, match="not a number"):  # so that it ends unfinished
        train(cells, folder, resume=False, settings=wild)
    left = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert left == {"notes.txt", "recipe.yaml", "split.json", "cohort.csv"}
    with pytest.raises(TrainingError, match="not finished"):
        ls.evaluate(folder)


def test_an_unreadable_image_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cells = write_cells(tmp_path / "cells", persons=5, cells=2)
    (cells.parent / "S3-1.png").write_bytes(b"no image")
    cells = ls.read_cohort(cells).with_columns(sha256=[""] * 20)  # as if it was so at the audit
    run = train(cells, tmp_path / "run", settings={"fit.epochs": 1})
    assert len(run.cohort) == 19
    assert "skipped: " in caplog.text


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda run: ls.evaluate(run.model), TrainingError, "--data"),
        (lambda run: ls.evaluate(run, part="exam"), CohortError, "no part 'exam'"),
        (lambda run: ls.evaluate(run.folder.parent), TrainingError, "not a run folder"),
        (lambda run: train(run.cohort, run.folder, split="half"), SplitError, "half"),
    ],
)
def test_what_cannot_be_done_is_said(call: Any, error: type, says: str, run: Run) -> None:
    with pytest.raises(error, match=says):
        call(run)


def test_preview(cells: Path, tmp_path: Path) -> None:
    path = ls.preview(cells, "cnn-gap", out=tmp_path / "p.html")
    assert path.read_text().count("<img ") == 64


def test_one_process_at_a_time_trains_in_a_folder(cells: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with exclusive(out), pytest.raises(TrainingError, match="another process"):
        train(cells, out)
    assert not (out / "model.onnx").exists()


def test_weights_of_another_run_are_refused(cells: Path, tmp_path: Path) -> None:
    first = train(cells, tmp_path / "first", seed=0)
    second = train(cells, tmp_path / "second", seed=1)
    (first.folder / "model.onnx").unlink()
    shutil.copy(second.folder / "best.safetensors", first.folder)
    with pytest.raises(TrainingError, match=r"best\.safetensors"):
        train(cells, first.folder, seed=0)
    assert not (first.folder / "model.onnx").exists()


def test_a_model_file_of_another_run_is_not_evaluated(
    run: Run, cells: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(run.folder, folder)
    other = train(cells, tmp_path / "other", seed=1)
    shutil.copy(other.model, folder / "model.onnx")
    with pytest.raises(TrainingError, match=r"model\.onnx"):
        ls.evaluate(folder)


def test_a_model_file_without_operating_point_is_not_evaluated(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "uncalibrated"
    shutil.copytree(run.folder, folder)
    write_card(
        folder / "model.onnx", replace(read_card(folder / "model.onnx"), operating_point=None)
    )
    with pytest.raises(TrainingError, match="operating point"):
        ls.evaluate(folder)
