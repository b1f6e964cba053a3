"""Files of version 0.1.0 work with today's code."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import leukoscope as ls
from leukoscope.app.limits import Limits
from leukoscope.app.store.store import Store
from leukoscope.core.files import sha256_file
from leukoscope.core.renamed import current_name, current_value
from leukoscope.data.cohort import Cohort
from leukoscope.inference.model_file.model_file import read_card, write_card
from leukoscope.inference.predictor import Predictor
from leukoscope.training.run import read_run

pytestmark = pytest.mark.slow(25)

FILES = Path(__file__).parent / "v0_1"
RUNS = ("cnn", "knn", "local", "logistic")
SMALL = {"input.size": 48, "network.widths": [8, 8], "network.pooling": "gap"}
TOLERANCE = 1e-5  # of a logit; other processors add in another order


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("v0_1") / "cells"
    ls.make_synthetic(folder, persons=12, cells=4, seed=0)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(
    cells: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Copy files of 0.1.0 into a folder of the test, with the images where tables name them."""
    monkeypatch.setenv("LEUKOSCOPE_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)

    def copy(name: str) -> Path:
        target = tmp_path / Path(name).name
        if (FILES / name).is_dir():
            shutil.copytree(FILES / name, target)
        else:
            shutil.copy2(FILES / name, target)
        images = (target if target.is_dir() else tmp_path) / "cells"
        images.exists() or images.symlink_to(cells)
        return target

    return copy


def test_the_cells_are_drawn_as_they_were(cells: Path) -> None:
    for row in rows(FILES / "cohort.csv"):
        assert sha256_file(cells.parent / row["path"]) == row["sha256"]


@pytest.mark.parametrize(
    ("run", "table"),
    [*((run, f"runs/{run}/predictions.csv") for run in RUNS), ("cnn", "predictions.csv")],
)
def test_a_model_file_predicts_as_it_did(run: str, table: str, cells: Path) -> None:
    before = rows(FILES / table)
    model = Predictor(FILES / "runs" / run / "model.onnx")
    now = list(model.predict([cells.parent / row["path"] for row in before]))
    for old, new in zip(before, now, strict=True):
        assert new.p_all == pytest.approx(float(old["p_all"]), abs=TOLERANCE)
        assert new.logit == pytest.approx(float(old["logit"]), abs=TOLERANCE)
        assert str(new.verdict) == old["verdict"]
        if "reason" in old:
            assert new.reason == old["reason"].replace("colour", "color")


@pytest.mark.parametrize("run", RUNS)
def test_a_card_is_read_under_todays_names_and_stays_whole(run: str, tmp_path: Path) -> None:
    model = shutil.copy2(FILES / "runs" / run / "model.onnx", tmp_path)
    card = read_card(model)
    assert (card.license, card.data.license) == ("Apache-2.0", "Apache-2.0")
    assert card.results["auroc"].value > 0
    if run in ("knn", "logistic"):
        assert "off_center" in card.descriptors.names
    write_card(model, card)
    assert read_card(model) == card


@pytest.mark.parametrize("run", RUNS)
def test_a_run_is_measured_as_it_was(run: str, place: Callable[[str], Path]) -> None:
    folder = place(f"runs/{run}")
    before = json.loads((folder / "report.json").read_text("utf-8"))
    ls.evaluate(folder)
    now = json.loads((folder / "report.json").read_text("utf-8"))
    for key, old in before["metrics"].items():
        assert now["metrics"][key]["value"] == pytest.approx(old["value"], abs=TOLERANCE), key
    assert now["protocol"]["persons"] == before["protocol"]["persons"]


def test_recipes_are_read_under_todays_names(place: Callable[[str], Path]) -> None:
    network = read_run(place("runs/cnn")).recipe.to_dict()
    assert network["optimizer"]["learning_rate"] == 1e-3
    assert network["augment"]["color"] == 0.1
    assert "neighbors" in json.dumps(read_run(place("runs/knn")).recipe.to_dict())


@pytest.mark.parametrize("run", RUNS)
def test_a_finished_run_is_recalibrated(run: str, place: Callable[[str], Path]) -> None:
    folder = place(f"runs/{run}")
    before = read_card(folder / "model.onnx")
    card = ls.recalibrate(folder)
    assert card.temperature == pytest.approx(before.temperature, rel=1e-3)
    assert card.operating_point is not None
    assert before.operating_point is not None
    assert card.operating_point.threshold == pytest.approx(
        before.operating_point.threshold, abs=1e-3
    )


@pytest.mark.parametrize("run", RUNS)
def test_a_finished_run_is_not_trained_again(
    run: str, place: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if run == "local":  # whose export takes seconds; those of others take the same way
        place_of_export = "leukoscope.training.estimators.train.package_model"
        monkeypatch.setattr(place_of_export, lambda model, card, *_, **options: card)
    folder = place(f"runs/{run}")
    before = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
    chosen = (folder / "choice.json").read_text("utf-8") if run != "cnn" else "{}"
    again = ls.train(place("cohort.csv"), str(folder / "recipe.yaml"), out=folder)
    assert again.recipe.name == read_card(folder / "model.onnx").name
    assert {path.name: path.read_bytes() for path in folder.glob("*.safetensors")} == before
    if run != "cnn":
        now = json.loads((folder / "choice.json").read_text("utf-8"))
        assert now["run"] == json.loads(chosen)["run"]


def test_training_goes_on_where_it_stopped(place: Callable[[str], Path]) -> None:
    folder = place("runs/cnn")
    before = rows(folder / "log.csv")
    settings = {"fit.epochs": 3}
    ls.train(place("cohort.csv"), str(folder / "recipe.yaml"), out=folder, settings=settings)
    assert len(rows(folder / "log.csv")) == len(before) + 1
    assert rows(folder / "log.csv")[: len(before)] == before


def test_old_runs_are_compared_with_new_ones(place: Callable[[str], Path]) -> None:
    folders = [place(f"runs/{run}") for run in RUNS]
    new = ls.train(place("cohort.csv"), "logistic", out="new", settings={"classical.c": [1.0]})
    ls.evaluate(new)
    comparison = ls.compare([*folders, new.folder], "logistic")
    (group,) = comparison.groups
    assert {row.entry.name for row in group.rows} == {*RUNS, "new"}
    assert comparison.skipped == ()


@pytest.mark.parametrize(
    ("name", "recipe", "options"),
    [
        ("study", "logistic", {}),
        (
            "network-study",
            "cnn-gap",
            {
                "settings": {**SMALL, "fit.epochs": 1},
                "storage": "journal:network-study.journal",
                "vary": {
                    "optimiser.learning_rate": "1e-4..1e-2:log",
                    "augment.colour": [0.0, 0.1],
                    "fit.batch_size": [16, 32],
                },
            },
        ),
    ],
)
def test_a_study_goes_on(
    name: str, recipe: str, options: dict[str, object], place: Callable[[str], Path]
) -> None:
    folder = place(name)
    if name == "network-study":
        place("network-study.journal")
    before = rows(folder / "trials.csv")
    study = ls.tune(place("cohort.csv"), recipe, out=folder, trials=3, **options)
    now = rows(folder / "trials.csv")
    assert [row["value"] for row in now[:2]] == [row["value"] for row in before]
    for old, new in zip(before, now, strict=False):
        for column, value in old.items():
            current = current_name(column)
            assert new[current] == current_value(current, value)
    assert len(now) == 3
    assert study.best is not None


def test_a_tuned_recipe_trains(place: Callable[[str], Path]) -> None:
    recipe = place("network-study") / "best.yaml"
    run = ls.train(place("cohort.csv"), str(recipe), out="tuned")
    assert run.recipe.to_dict()["optimizer"]["learning_rate"] == 0.00884
    assert run.model.is_file()


def test_a_database_of_cases_is_read(place: Callable[[str], Path]) -> None:
    store = Store(f"sqlite:///{place('cases.sqlite3')}", Limits())
    store.open()
    (head,) = store.heads()
    case = store.case(head.id)
    store.close()
    assert case.name == "Ward 3"
    before = rows(FILES / "predictions.csv")[:3]
    assert [cell.p_all for cell in case.cells] == [float(row["p_all"]) for row in before]
    assert [str(cell.verdict) for cell in case.cells] == [row["verdict"] for row in before]
    review = case.cells[0].review
    assert review is not None
    assert (review.label, review.reviewer) == ("HEM", "AB")


def test_a_cohort_is_read(place: Callable[[str], Path]) -> None:
    cohort = ls.read_cohort(place("cohort.csv"))
    assert isinstance(cohort, Cohort)
    assert len(cohort) == 48
    assert np.all(cohort["sha256"] != "")
