import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import leukoscope as ls
from leukoscope.api.leakage_plan import SPLITS, budgeted, plan_runs
from leukoscope.cli.main import main
from leukoscope.core.errors import LeukoscopeError, RecipeError, SplitError, TrainingError
from leukoscope.core.tables import read_table
from leukoscope.data.cohort import ALL, HEM, Cohort, write_cohort
from leukoscope.data.splits.partition import straddling
from leukoscope.evaluation.leakage.record import Study
from leukoscope.models.recipe.recipe import read_recipe
from leukoscope.training.run import read_run
from tests.training.tiny import FILE_SETTINGS, write_cells

pytestmark = pytest.mark.slow(14)

# Person 1 of each class stands in the folds 1 and 2, and seed 1 tests fold 1.
CHOICE: dict[str, Any] = {"settings": {"classical.c": 0.1}, "seeds": [1]}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audited cohort in folds, where one person of each class stands under two ids."""
    path = write_cells(tmp_path_factory.mktemp("cells") / "own", persons=9)
    cohort = ls.read_cohort(path)
    number = np.array([int(name.strip("HS")) for name in cohort["subject"]])
    subject, second = cohort["subject"].copy(), np.zeros(len(cohort), bool)
    second[1::2] = number[1::2] == 1
    subject[second] = [f"{name}9" for name in subject[second]]
    fold = [str(fold) for fold in (number + second) % 3]
    write_cohort(cohort.with_columns(subject=subject, fold=fold), path)
    return path


@pytest.fixture(scope="module")
def cohort(cells: Path) -> Cohort:
    return ls.read_cohort(cells)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(cells: Path, out: Path) -> Study:
    return ls.leakage(cells, "logistic", out=out, splits=["official", "person"], **CHOICE)


def test_all_protocols_get_the_same_cells_of_each_class(cohort: Cohort, tmp_path: Path) -> None:
    planned = plan_runs(cohort, tmp_path, SPLITS, range(3))
    assert len({run.folder for run in planned}) == len(planned) == 12
    sizes = set()
    for run in planned:
        part, label = run.cohort["part"], run.cohort["label"]
        parts = ("train", "validation")
        sizes.add(tuple(np.sum((part == p) & (label == c)) for p in parts for c in (ALL, HEM)))
        whole = ls.split(cohort, kind="person", seed=run.seed)
        if run.split.kind == "person":
            assert not straddling(run.cohort)
            tested = set(run.cohort["person"][part == "test"])
            assert tested == set(whole.units("test"))
    assert len(sizes) == 1
    assert min(sizes.pop()) > 0


def test_persons_cross_in_every_other_protocol(cohort: Cohort, tmp_path: Path) -> None:
    planned = plan_runs(cohort, tmp_path, SPLITS, range(3))
    crossing = {run.split.kind for run in planned if straddling(run.cohort)}
    assert crossing == {"image", "subject", "official"}


def test_each_seed_tests_another_official_fold(cohort: Cohort, tmp_path: Path) -> None:
    planned = plan_runs(cohort, tmp_path, ["official"], range(4))
    tested = [set(run.cohort["fold"][run.cohort["part"] == "test"]) for run in planned]
    assert tested == [{"0"}, {"1"}, {"2"}, {"0"}]


def test_cells_can_be_fewer_and_not_more(cohort: Cohort, tmp_path: Path) -> None:
    def trained(cells: int | None) -> int:
        run, *_ = plan_runs(cohort, tmp_path, ["image", "person"], [0], cells)
        return int(np.sum(run.cohort["part"] == "train"))

    assert trained(12) == 12
    assert trained(10_000) == trained(None) > 12


def test_the_study_holds_what_its_runs_measured(study: Study, out: Path) -> None:
    assert [(run.split, run.seed) for run in study.runs] == [("official", 1), ("person", 1)]
    for run in study.runs:
        record = json.loads((out / run.folder / "report.json").read_text())
        assert run.metrics["auroc"].value == record["metrics"]["auroc"]["value"]
        half = record["metrics_at_half"]["accuracy"]["value"]
        assert run.metrics["accuracy_at_half"].value == half
        own = read_run(out / run.folder)
        assert run.parts["train"].cells == np.sum(own.cohort["part"] == "train")
    official, person = study.runs
    assert official.parts["train"].cells == person.parts["train"].cells
    assert official.fold == "1"
    assert set(official.person[official.seen]) == {"S1", "HS1"}
    assert not person.seen.any()
    leaky, honest = study.results
    expected = official.metrics["auroc"].value - person.metrics["auroc"].value
    assert leaky.gap["auroc"].value == pytest.approx(expected)
    assert not honest.gap


def test_a_finished_run_is_not_repeated(study: Study, cells: Path, out: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.glob("logistic/*/*")}
    again = ls.leakage(cells, "logistic", out=out, splits="person", **CHOICE)
    assert {path: path.stat().st_mtime_ns for path in out.glob("logistic/*/*")} == before
    assert again.results == study.results


def test_an_unfinished_run_is_done_and_no_other(study: Study, cells: Path, out: Path) -> None:
    record = out / "logistic" / "person-seed1" / "report.json"
    first = record.read_bytes()
    other = (out / "logistic" / "official-seed1" / "report.json").stat().st_mtime_ns
    record.unlink()
    assert len(ls.leakage(out=out).runs) == 1
    ls.leakage(cells, "logistic", out=out, splits=["official", "person"], **CHOICE)
    assert record.read_bytes() == first
    assert (out / "logistic" / "official-seed1" / "report.json").stat().st_mtime_ns == other


def test_the_files_say_the_same(study: Study, out: Path) -> None:
    table = read_table(out / "leakage.csv")
    assert table["split"].tolist() == ["official", "person"]
    assert table["auroc"].tolist() == [run.metrics["auroc"].value for run in study.runs]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["protocols"][0]["gap"]["auroc"]["value"] == study.results[0].gap["auroc"].value
    assert summary["synthetic"] is study.synthetic is False  # own file names
    page = (out / "leakage.html").read_text()
    assert "SYNTHETIC CELLS" not in page
    assert "the split by person" in page
    assert (out / "leakage.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "leakage.svg").read_text()


def test_results_are_shown_without_data(
    study: Study, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["leakage", "--out", str(out)], ["leakage", "--out", str(out), "--json"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code
    text = capsys.readouterr().out
    plain, brace, summary = text.partition("{\n")
    assert "official (leaky)" in plain
    assert json.loads(brace + summary)["format"] == "leukoscope-leakage/1"


def test_a_network_gets_all_its_epochs_and_shares_the_page(
    study: Study, cells: Path, out: Path
) -> None:
    settings = FILE_SETTINGS | {"fit.patience": 1, "network.widths": [4], "fit.epochs": 9}
    both = ls.leakage(
        cells, "cnn-gap", out=out, splits=["person"], seeds=[1], epochs=3, settings=settings
    )
    assert [run.recipe for run in both.runs] == ["cnn-gap", "logistic", "logistic"]
    assert len(read_table(out / both.runs[0].folder / "log.csv")["epoch"]) == 3
    assert both.runs[0].epochs == 3


def test_the_budget_leaves_no_early_stop_in_any_stage() -> None:
    staged = budgeted(read_recipe("mobilenet_v2"))
    assert [(stage.epochs, stage.patience) for stage in staged.stages] == [(3, 3), (15, 15)]
    whole = budgeted(read_recipe("cnn"), 7)
    assert (whole.fit.epochs, whole.fit.patience) == (7, 7)


@pytest.mark.parametrize(
    ("more", "rows", "says"),
    [
        (
            {"settings": {"classical.c": 1}},
            slice(None),
            r"recipe\.classical\.c is \[0\.1\], not \[1\.0\];",
        ),
        ({"cells": 8}, slice(None), "these could have 8;"),
        ({}, slice(4, None), "whose data is"),
    ],
    ids=["settings", "cells", "data"],
)
def test_a_folder_of_other_runs_is_refused_untouched(
    more: dict[str, Any], rows: slice, says: str, study: Study, cohort: Cohort, out: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    some = cohort.select(np.arange(len(cohort))[rows])
    with pytest.raises(LeukoscopeError, match=f"{says}.*--out"):
        ls.leakage(some, "logistic", out=out, splits=["official", "person"], **CHOICE | more)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_later_runs_get_as_many_cells_as_the_first(cohort: Cohort, tmp_path: Path) -> None:
    kept = {"train": {ALL: 6, HEM: 5}, "validation": {ALL: 2, HEM: 2}}
    for run in plan_runs(cohort, tmp_path, ["image", "subject"], [3], None, kept):
        trained = run.cohort["label"][run.cohort["part"] == "train"]
        assert (np.sum(trained == ALL), np.sum(trained == HEM)) == (6, 5)
    with pytest.raises(SplitError, match=r"have 400 cells in train.*--out"):
        plan_runs(cohort, tmp_path, ["image"], [3], None, kept | {"train": {ALL: 200, HEM: 200}})


@pytest.mark.parametrize(
    ("choice", "error", "says"),
    [
        ({"splits": ["half"]}, SplitError, "half"),
        ({"splits": []}, SplitError, "at least one"),
        ({"seeds": [1, 1]}, SplitError, "different"),
        ({"seeds": [-1]}, SplitError, "from 0"),
        ({"cells": 1}, SplitError, "--cells"),
        ({"epochs": 2}, RecipeError, "no epochs"),
        ({"recipe": "mobilenet_v2", "epochs": 2}, RecipeError, "stages.0.epochs"),
        ({"recipe": "nothing"}, RecipeError, "no recipe"),
    ],
)
def test_what_cannot_be_studied_is_said(
    choice: dict[str, Any], error: type[LeukoscopeError], says: str, cohort: Cohort, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        ls.leakage(cohort, out=tmp_path, **{"recipe": "logistic", **choice})
    assert not list(tmp_path.iterdir())


def test_a_folder_without_runs_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no finished run"):
        ls.leakage(out=tmp_path)
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "study.json").write_text("[]")
    with pytest.raises(TrainingError, match=r"study\.json"):
        ls.leakage(out=tmp_path)


@pytest.mark.parametrize("seeds", ["0;1", "one", "-1"])
def test_seeds_that_are_none_are_refused(seeds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["leakage", "cells", f"--seeds={seeds}"])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
