"""Runs side by side, from their folders on disk."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import leukoscope as ls
from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.tables import read_table
from leukoscope.evaluation.record import Evaluation
from leukoscope.inference.model_file.card import SCHEMA
from leukoscope.inference.model_file.model_file import read_card, write_card
from leukoscope.inference.model_file.parameter_count import count_parameters
from tests.evaluation.made_runs import LEAKY, write_measured_run
from tests.training.described import QUICK
from tests.training.tiny import FILE_SETTINGS, write_cells

pytestmark = pytest.mark.slow(9)

NETWORK = FILE_SETTINGS | {"fit.epochs": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of three networks: two on the same cells, one on others."""
    folder = tmp_path_factory.mktemp("made")
    write_measured_run(folder / "dense-0")
    write_measured_run(folder / "cnn-0", model=2, recipe="cnn", settings={"fit.epochs": 3})
    write_measured_run(folder / "cnn-1", cells=1, model=2, recipe="cnn", protocol=LEAKY)
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy of them that a test may damage."""
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


def folders(runs: Path) -> list[Path]:
    return sorted(runs.iterdir())


def test_runs_are_read_grouped_and_written(made: Path, tmp_path: Path) -> None:
    found = ls.compare(folders(made), "dense", out=tmp_path / "out")
    assert [[row.entry.name for row in group.rows] for group in found.groups] == [
        ["dense-0", "cnn-0"],
        ["cnn-1"],
    ]
    assert found.exit_code == 0
    cnn = found.groups[0].rows[1]
    assert cnn.entry.settings == ("fit.epochs=3",)
    assert (cnn.entry.epochs, cnn.entry.seconds) == (3, 6.0)
    assert cnn.entry.weights == count_parameters(made / "cnn-0" / "model.onnx")
    assert cnn.entry.file_bytes == (made / "cnn-0" / "model.onnx").stat().st_size
    record = Evaluation.from_json((made / "cnn-0" / "report.json").read_text())
    assert cnn.entry.evaluation == record
    assert cnn.difference is not None
    assert cnn.difference.estimates["auroc"].value == pytest.approx(
        record.metrics["auroc"].value - found.groups[0].first.value("auroc")
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "comparison.csv",
        "comparison.html",
        "comparison.json",
    }
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["metric"] == "auroc"
    assert [row.ours for row in found.published if row.claim.recipe == "cnn"] == [
        "cnn-1",
        "cnn-0, fit.epochs=3",
    ] * 2


@pytest.mark.parametrize("name", ["table.csv", "table.jsonl", "table.html"])
def test_one_file_by_its_suffix(made: Path, tmp_path: Path, name: str) -> None:
    ls.compare(folders(made), out=tmp_path / name, metric="ece")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    if name.endswith("html"):
        assert "</html>" in (tmp_path / name).read_text("utf-8")
    else:
        assert sorted(read_table(tmp_path / name)["run"]) == ["cnn-0", "cnn-1", "dense-0"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda run: shutil.rmtree(run) or run.write_text("notes"), "not a run folder"),
        (lambda run: (run / "split.json").unlink(), "no split.json"),
        (lambda run: (run / "split.json").write_text("{"), "split"),
        (lambda run: (run / "recipe.yaml").write_text("{"), "YAML"),
        (lambda run: (run / "model.onnx").unlink(), "not finished"),
        (lambda run: (run / "model.onnx").write_bytes(b"\x08\x07"), "ONNX"),
        (lambda run: _schema(run / "model.onnx"), "newer version"),
        (lambda run: (run / "report.json").unlink(), "leukoscope evaluate"),
        (lambda run: (run / "report.json").write_text('{"format": '), "damaged"),
        (lambda run: (run / "report.json").write_text("[" * 99_999), "damaged"),
        (lambda run: (run / "report.json").write_bytes(b"\xff\xfe"), "damaged"),
        (lambda run: _figure(run / "report.json", "high"), "damaged"),
        (lambda run: _figure(run / "report.json", None, "metrics_at_half"), "damaged"),
        (lambda run: (run / "predictions.csv").unlink(), "leukoscope evaluate"),
        (lambda run: (run / "predictions.csv").write_text("path,label\na.bmp,ALL\n"), "p_all"),
        (lambda run: (run / "predictions.csv").write_text("path\n"), "predictions.csv"),
        (lambda run: _fewer(run / "predictions.csv"), "not made from predictions.csv"),
        (lambda run: _retrained(run / "model.onnx"), "trained or evaluated again"),
    ],
)
def test_what_cannot_be_compared_has_a_line_and_the_rest_goes_on(runs, damage, words) -> None:
    damage(runs / "cnn-0")
    found = ls.compare(folders(runs))
    assert sorted(entry.name for entry in found.entries) == ["cnn-1", "dense-0"]
    [line] = found.skipped
    assert "cnn-0" in line
    assert words in line
    assert "\n" not in line
    assert found.exit_code == 3


def _schema(model: Path) -> None:
    """Write the card of a version to come."""
    now, later = (f'"schema": {number}'.encode() for number in (SCHEMA, 9))
    data = model.read_bytes()
    assert data.count(now) == 1
    model.write_bytes(data.replace(now, later))


def _figure(report: Path, value: object, group: str = "metrics") -> None:
    body = json.loads(report.read_text())
    if value is None:
        del body[group]["sensitivity"]
    else:
        body[group]["sensitivity"]["value"] = value
    report.write_text(json.dumps(body))


def _fewer(table: Path) -> None:
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:-1]))


def _retrained(model: Path) -> None:
    write_card(model, replace(read_card(model), results={}))


def test_a_lost_log_costs_only_what_it_held(runs: Path) -> None:
    (runs / "cnn-0" / "log.csv").unlink()
    (runs / "cnn-1" / "log.csv").write_text("epoch,seconds\n1,long\n")
    found = ls.compare(folders(runs))
    costs = {entry.name: (entry.epochs, entry.seconds) for entry in found.entries}
    assert costs == {"dense-0": (3, 6.0), "cnn-0": (None, None), "cnn-1": (None, None)}
    assert ["log.csv" in remark for remark in found.remarks] == [True, True]
    assert found.exit_code == 0


def test_a_copy_is_left_out_and_a_second_name_counts_once(runs: Path) -> None:
    shutil.copytree(runs / "cnn-0", runs / "copy")
    (runs / "link").symlink_to(runs / "dense-0")
    found = ls.compare([runs / name for name in ("dense-0", "cnn-0", "copy", "link")])
    assert sorted(entry.name for entry in found.entries) == ["cnn-0", "dense-0"]
    [copy], [link] = found.skipped, found.remarks
    assert "copy" in copy
    assert "cnn-0" in copy
    assert "link: is named twice" in link


def test_folders_of_one_name_keep_their_path(runs: Path, tmp_path: Path) -> None:
    other = write_measured_run(tmp_path / "more" / "dense-0", model=4)
    names = {entry.name for entry in ls.compare([*folders(runs), other]).entries}
    assert names == {"cnn-0", "cnn-1", str(runs / "dense-0"), str(other)}


def test_a_baseline_may_be_a_folder_that_was_not_named(made: Path) -> None:
    found = ls.compare([made / "cnn-0", made / "cnn-1"], made / "dense-0")
    rows = {row.entry.name: row for group in found.groups for row in group.rows}
    assert rows["dense-0"].is_baseline
    assert rows["cnn-0"].difference.estimates
    assert rows["cnn-1"].difference.remark.startswith("other cells: 0 of its")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"baseline": "vgg19"}, "cnn, dense"),
        ({"metric": "beauty"}, "auroc"),
        ({"claims": "absent.yaml"}, "absent.yaml"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused(made: Path, options, words) -> None:
    with pytest.raises(LeukoscopeError, match=words):
        ls.compare(folders(made), **options)


def test_where_no_run_is_left_the_reason_is_said(tmp_path: Path) -> None:
    with pytest.raises(LeukoscopeError, match=r"none of 1 folders.*absent: not a run folder"):
        ls.compare([tmp_path / "absent"])
    for one in (tmp_path / "absent", str(tmp_path / "absent")):
        with pytest.raises(LeukoscopeError, match="none of 1 folders"):
            ls.compare(one)


def test_names_that_upset_terminals_are_shown_harmlessly(runs: Path, tmp_path: Path) -> None:
    (runs / "cnn-0").rename(runs / "cnn\x1b[2J\n<b>$0$")
    found = ls.compare(folders(runs), out=tmp_path / "out")
    [name] = [entry.name for entry in found.entries if "$" in entry.name]
    assert name.isprintable()
    page = (tmp_path / "out" / "comparison.html").read_text("utf-8")
    assert "<b>" not in page
    assert "\x1b" not in page
    with (tmp_path / "out" / "comparison.csv").open() as file:
        assert name in [row["run"] for row in csv.DictReader(file)]


def test_models_are_timed_where_asked(made: Path) -> None:
    found = ls.compare([made / "dense-0"], speed=True)
    [entry] = found.entries
    assert entry.speed is not None
    assert 0 < entry.speed.low <= entry.speed.median <= entry.speed.high
    assert "synthetic cells" in found.speed


def test_real_trainings_are_compared(tmp_path: Path) -> None:
    cells = write_cells(tmp_path / "own")
    settings = {f"classical.{name}": value for name, value in QUICK["logistic"].items()}
    trained = [
        ls.train(cells, "logistic", out=tmp_path / "runs" / "person", settings=settings),
        ls.train(cells, "cnn-gap", out=tmp_path / "runs" / "net", settings=NETWORK),
    ]
    for run in trained:
        ls.evaluate(run)
    found = ls.compare([run.folder for run in trained], "cnn-gap")
    assert found.skipped == found.remarks == ()
    [group] = found.groups
    rows = {row.entry.name: row for row in group.rows}
    assert set(rows) == {"person", "net"}
    assert rows["net"].is_baseline
    assert rows["person"].difference.estimates["auroc"].value == pytest.approx(
        rows["person"].entry.value("auroc") - rows["net"].entry.value("auroc")
    )
    assert rows["person"].entry.seconds > 0
    assert rows["net"].entry.epochs == 1
    assert not group.leaky
