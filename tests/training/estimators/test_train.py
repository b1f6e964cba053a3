"""Classical recipes from image files to a model file, alone and through the API."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

import leukoscope as ls
from leukoscope.core.errors import RESEARCH_USE, RecipeError, TrainingError
from leukoscope.data.cohort import Cohort, read_cohort_table
from leukoscope.data.descriptors import GROUPS, NAMES, VERSION
from leukoscope.data.hashing import hash_cells
from leukoscope.data.splits.partition import apply_split
from leukoscope.data.splits.splits import split_cohort
from leukoscope.evaluation.metrics.importance import read_importance
from leukoscope.inference.model_file.model_file import load, read_card
from leukoscope.inference.model_file.operators import refused
from leukoscope.inference.model_file.verify import verify
from leukoscope.inference.predictor import Predictor
from leukoscope.models.estimators.base import ESTIMATORS
from leukoscope.models.network.onnx_export import TrainedNetwork
from leukoscope.models.recipe.recipe import EstimatorRecipe, read_recipe
from leukoscope.training.cache import cached_descriptors
from leukoscope.training.estimators.train import choose_and_fit, load_inputs, run_classical
from leukoscope.training.run import Run, read_run
from tests.models.network.cells import odd_cells
from tests.training.described import QUICK
from tests.training.tiny import FILE_SETTINGS, write_cells

pytestmark = pytest.mark.slow(50)


def settings_of(estimator: str, **more: Any) -> dict[str, Any]:
    own = {**QUICK[estimator], "folds": 3, **more}
    return {f"classical.{name}": value for name, value in own.items()}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cells(tmp_path_factory.mktemp("cells") / "own")


def train(cells: Path | Cohort, out: Path, estimator: str = "svm", **more: Any) -> Run:
    settings = settings_of(estimator, **more.pop("settings", {}))
    return ls.train(cells, estimator, out=out, settings=settings, **more)


@pytest.fixture(scope="module")
def runs(cells: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    more: dict[str, Any] = {"svm": {"c": [1, 10]}}
    return {
        estimator: train(cells, folder / estimator, estimator, settings=more.get(estimator, {}))
        for estimator in ESTIMATORS
    }


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_run_goes_the_whole_way(estimator: str, runs: dict[str, Run], tmp_path: Path) -> None:
    run = runs[estimator]
    assert {path.name for path in run.folder.iterdir()} >= {
        "recipe.yaml",
        "split.json",
        "cohort.csv",
        "choice.json",
        "importance.csv",
        "model.onnx",
    }
    assert read_run(run.folder).recipe == run.recipe
    assert all(check.passed for check in verify(run.model))
    tested = run.cohort.select(np.flatnonzero(run.cohort["part"] == "test"))
    result = ls.evaluate(run)
    assert result.metrics["auroc"].value > 0.9  # the classes differ in size and color
    assert "train" in result.protocol.chosen_on["settings of the estimator"]
    page = (run.folder / "report.html").read_text()
    assert "Importance of descriptors" in page
    assert "Learning curves" not in page
    found = ls.predict(tested.paths, run.model, out=tmp_path / "rows.csv")
    assert (len(found), found.failed) == (len(tested), 0)
    assert RESEARCH_USE in page


@torch.inference_mode()
def test_the_file_of_texture_answers_as_its_network(runs: dict[str, Run]) -> None:
    run = runs["texture"]
    recipe = run.recipe
    assert isinstance(recipe, EstimatorRecipe)
    cohort, values = load_inputs(run.cohort, recipe, jobs=1)
    rows = np.flatnonzero(cohort["part"] == "train")
    fitted = choose_and_fit(recipe, cohort.select(rows), values[rows], seed=0, jobs=1)[1]
    exported = fitted.exportable(recipe.input.size)
    assert isinstance(exported, TrainedNetwork)
    nodes = onnx.load(run.model).graph.node
    assert refused((node.domain or "ai.onnx", node.op_type) for node in nodes) == []
    session = ort.InferenceSession(run.model)
    cells = torch.from_numpy(odd_cells(recipe.input.size))
    for cell in cells:
        expected = exported.network(cell[None])
        answer = session.run(["logit", "embedding", "heatmap"], {"cells": cell[None].numpy()})
        for name, value in zip(expected._fields, answer, strict=True):
            wanted = getattr(expected, name).numpy()
            np.testing.assert_allclose(value, wanted, atol=2e-3, rtol=1e-3, err_msg=name)
    together = session.run(["logit"], {"cells": cells.numpy()})[0]
    np.testing.assert_allclose(together, exported.network(cells).logit, atol=1e-3)


def test_the_card_says_what_is_measured_and_what_was_chosen(runs: dict[str, Run]) -> None:
    card = read_card(runs["svm"].model)
    assert card.descriptors is not None
    assert (card.descriptors.version, card.descriptors.names) == (VERSION, NAMES)
    assert (card.heatmap, card.cam_bias) == ("none", None)
    chosen = json.loads((runs["svm"].folder / "choice.json").read_text())
    assert chosen["seconds"] > 0
    assert card.recipe["classical"]["c"] == [chosen["chosen"]["c"]]
    assert [len(tried["auroc"]) for tried in chosen["candidates"]] == [3, 3]
    assert runs["svm"].recipe.to_dict()["classical"]["c"] == [1, 10]
    assert "skl2onnx" in card.versions
    assert "torch" not in card.versions
    point = card.operating_point
    assert point is not None
    assert point.recall >= point.target_recall == 0.95
    assert card.operating_curve is not None


def test_importance_names_every_group(runs: dict[str, Run]) -> None:
    found = read_importance(runs["logistic"].folder / "importance.csv")
    assert {one.group: one.descriptors for one in found} == {
        group: len(members) for group, members in GROUPS.items()
    }


def test_what_is_left_out_is_not_asked_for(cells: Path, tmp_path: Path) -> None:
    left = {"leave_out": ["size", "color", "red_green_mean", "lbp_1_0"]}
    run = train(cells, tmp_path / "run", settings=left)
    names = read_card(run.model).descriptors.names  # type: ignore[union-attr]
    assert set(NAMES) - set(names) == {
        *(one.name for group in ("size", "color") for one in GROUPS[group]),
        "lbp_1_0",
    }
    groups = [one.group for one in read_importance(run.folder / "importance.csv")]
    assert not {"size", "color"} & set(groups)
    answered = list(Predictor(run.model).predict(run.cohort.paths[:3], embeddings=True))
    assert [one.embedding.shape for one in answered] == [(len(names),)] * 3  # type: ignore[union-attr]


def test_the_file_answers_for_images_as_training_did_for_the_cache(runs: dict[str, Run]) -> None:
    run = runs["logistic"]
    crop = read_card(run.model).input
    kept = cached_descriptors(run.cohort, crop).cells
    expected = load(run.model).run_inputs(np.asarray(kept)).logit
    found = [one.logit for one in Predictor(run.model).predict(run.cohort.paths)]
    assert np.array_equal(np.float32(found), expected)


def test_the_same_command_again_gives_the_same_model(cells: Path, runs: dict[str, Run]) -> None:
    run = runs["random-forest"]
    before = load(run.model)
    again = train(cells, run.folder, "random-forest")
    after = load(again.model)
    assert after.card == replace(before.card, created=after.card.created, results={})
    values = np.asarray(cached_descriptors(run.cohort, before.card.input).cells)
    assert np.array_equal(after.run_inputs(values).logit, before.run_inputs(values).logit)


def test_other_runs_in_a_folder_are_refused_and_nothing_is_touched(
    cells: Path, runs: dict[str, Run], tmp_path: Path
) -> None:
    folder = runs["knn"].folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for change in ({"seed": 1}, {"split": "image"}, {"settings": {"neighbors": 5}}):
        with pytest.raises(TrainingError, match="--fresh"):
            train(cells, folder, "knn", **change)
    with pytest.raises(TrainingError, match=r"another kind of recipe.*--fresh"):
        ls.train(cells, "cnn-gap", out=folder, settings=FILE_SETTINGS)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    train(cells, tmp_path / "run", "knn")
    (tmp_path / "run" / "choice.json").write_text("{")
    with pytest.raises(TrainingError, match=r"choice\.json.*damaged"):
        train(cells, tmp_path / "run", "knn")
    train(cells, tmp_path / "run", "logistic", resume=False)
    assert read_run(tmp_path / "run").recipe.name == "logistic"


def test_test_labels_change_nothing(cells: Path, tmp_path: Path) -> None:
    """Nor do the test persons' descriptors: they are dealt out among them."""
    cohort = hash_cells(read_cohort_table(cells))
    split = split_cohort(cohort, "person", seed=0)
    own = apply_split(cohort, split)
    test = np.flatnonzero(own["part"] == "test")
    label, path = own["label"].copy(), own["path"].copy()
    label[test], path[test] = 1 - label[test], np.roll(path[test], 3)
    other = own.with_columns(label=label, path=path)
    recipe = read_recipe("svm").with_settings(settings_of("svm", c=[0.1, 10]))
    cards = []
    for name, table in (("own", own), ("other", other)):
        run = run_classical(table, recipe, split, tmp_path / name, seed=0)
        cards.append(read_card(run.model))
    assert cards[0] == replace(cards[1], created=cards[0].created)
    own_importance, other_importance = (
        (tmp_path / name / "importance.csv").read_text() for name in ("own", "other")
    )
    assert own_importance == other_importance


def test_an_unreadable_image_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cells = write_cells(tmp_path / "cells", persons=5, cells=2)
    (cells.parent / "S3-1.png").write_bytes(b"no image")
    cells = ls.read_cohort(cells).with_columns(sha256=[""] * 20)  # as if it was so at the audit
    with caplog.at_level("INFO", "leukoscope"):
        run = train(cells, tmp_path / "run", "logistic")
    assert len(run.cohort) == 19
    assert "skipped: " in caplog.text
    assert "117 descriptors of 20 cells" in caplog.text


def test_of_several_processes_the_first_does_it_all(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    run = train(cells, tmp_path / "run", "logistic")
    assert not run.folder.exists()


def test_neither_training_nor_measuring_needs_pytorch(cells: Path, tmp_path: Path) -> None:
    code = (
        "import sys, leukoscope as ls\n"
        "ls.train(sys.argv[1], 'logistic', out=sys.argv[2], settings={'classical.c': 1})\n"
        "ls.evaluate(sys.argv[2])\n"
        "print(sorted({'torch', 'lightning_fabric', 'cv2'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(cells), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_there_is_nothing_to_preview(cells: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no augmentation"):
        ls.preview(cells, "svm", out=tmp_path / "p.html")


@pytest.mark.real
def test_real_cells_of_a_few_persons(cnmc_dir: Path, tmp_path: Path) -> None:
    cohort = ls.read_cohort(cnmc_dir)
    label = cohort["label"]
    rows: list[int] = []
    for value in (1, 0):
        for subject in list(dict.fromkeys(cohort["subject"][label == value]))[:5]:
            own = (cohort["subject"] == subject) & (label == value)
            rows += np.flatnonzero(own)[:5].tolist()
    few = ls.audit(cohort.select(np.array(rows)), out=tmp_path / "audit").cohort
    run = train(few, tmp_path / "run", "logistic", fractions=(0.4, 0.3, 0.3))
    assert all(check.passed for check in verify(run.model))
    paths = run.cohort.paths[::7]
    values = np.asarray(cached_descriptors(run.cohort, read_card(run.model).input).cells)[::7]
    expected = load(run.model).run_inputs(values).logit
    assert np.array_equal(
        np.float32([p.logit for p in Predictor(run.model).predict(paths)]), expected
    )
    assert 0 <= ls.evaluate(run).metrics["auroc"].value <= 1
