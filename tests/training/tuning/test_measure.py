from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from leukoscope.data.imaging.image import Crop
from leukoscope.training.cache import cached_descriptors
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.network.sampling import even_weights
from leukoscope.training.tuning.measure import Progress, clear_weights, measure
from leukoscope.training.tuning.study import Plan
from tests.training.tuning.planned import SIDE, logistic, network, tiny_plan

SPACE = {"classical.c": "0.01..1"}


class StopHereError(Exception):
    pass


def told_until(steps: int, told: list[tuple[int, float]]) -> Progress:
    def on_figure(step: int, figure: float) -> None:
        told.append((step, figure))
        if len(told) == steps:
            raise StopHereError

    return Progress(on_figure)


def test_an_interrupted_network_goes_on_and_tells_all_its_epochs(
    table: Path, tmp_path: Path
) -> None:
    plan = tiny_plan(table, tmp_path, network(fit__epochs=3), {"loss.l2": "0..1"}, objective="loss")
    recipe = plan.recipe
    whole: list[tuple[int, float]] = []
    figure = measure(plan, recipe, tmp_path / "whole", told_until(9, whole))
    assert [step for step, _ in whole] == [1, 2, 3]
    assert figure == whole[-1][1] == min(figure for _, figure in whole)

    first: list[tuple[int, float]] = []
    with pytest.raises(StopHereError):
        measure(plan, recipe, tmp_path / "parts", told_until(2, first))
    again: list[tuple[int, float]] = []
    progress = told_until(9, again)
    assert measure(plan, recipe, tmp_path / "parts", progress) == figure
    assert first == whole[:2]
    assert again == whole
    assert progress.epochs == 3
    clear_weights(tmp_path / "parts")
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["log.csv"]


def by_hand(plan: Plan, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label and probability of the validation cells of a logistic regression."""
    cohort, settings = plan.cohort, plan.recipe.classical
    assert settings
    values = np.asarray(cached_descriptors(cohort, Crop(SIDE, SIDE)).cells)
    own, out = np.flatnonzero(parts == "train"), np.flatnonzero(parts == "validation")
    weights = even_weights(cohort["label"][own], cohort["person"][own], "class")
    label = cohort["label"].astype(int)
    person = cohort["person"][own]
    fitted = settings.fit({"c": 0.1}, values[own], label[own], weights, person=person, seed=0)
    return label[out], 1 / (1 + np.exp(-fitted.logit(values[out])))


def test_an_estimator_is_measured_on_validation_persons(table: Path, tmp_path: Path) -> None:
    for objective in ("loss", "auroc"):
        plan = tiny_plan(table, tmp_path, logistic(), SPACE, objective=objective)
        told: list[tuple[int, float]] = []
        figure = measure(plan, plan.recipe, tmp_path, told_until(9, told))
        label, p = by_hand(plan, plan.cohort["part"])
        expected = log_loss(label, p) if objective == "loss" else roc_auc_score(label, p)
        assert figure == pytest.approx(expected, rel=1e-6)
        assert told == [(1, figure)]


def test_folds_measure_every_person_once(table: Path, tmp_path: Path) -> None:
    plan = tiny_plan(table, tmp_path, logistic(), SPACE, objective="loss", folds=3)
    told: list[tuple[int, float]] = []
    progress = told_until(9, told)
    figure = measure(plan, plan.recipe, tmp_path, progress)
    assert len(progress.values) == 3
    assert figure == pytest.approx(np.mean(progress.values))
    assert told == [(n, pytest.approx(np.mean(progress.values[:n]))) for n in (1, 2, 3)]
    used = np.flatnonzero(plan.cohort["part"] != "")
    fold = person_folds(plan.cohort.select(used), 3, plan.seed)
    parts = np.full(len(plan.cohort), "", object)
    for number in range(3):
        parts[used] = np.where(fold == number, "validation", "train")
        assert progress.values[number] == pytest.approx(log_loss(*by_hand(plan, parts)), rel=1e-6)


def test_folds_of_a_network(table: Path, tmp_path: Path) -> None:
    space = {"loss.l2": "0..1"}
    plan = tiny_plan(table, tmp_path, network(fit__epochs=1), space, objective="loss", folds=2)
    progress = Progress()
    figure = measure(plan, plan.recipe, tmp_path / "trial", progress)
    assert figure == pytest.approx(np.mean(progress.values))
    assert progress.epochs == len(progress.values) == 2
    assert {path.name for path in (tmp_path / "trial").iterdir()} == {"fold-0", "fold-1"}
    clear_weights(tmp_path / "trial")
    assert not list((tmp_path / "trial").glob("*/*.safetensors"))


def test_an_unreadable_cell_is_in_no_part(table: Path, tmp_path: Path) -> None:
    plan = tiny_plan(table, tmp_path, logistic(), SPACE, objective="loss")
    rows = np.flatnonzero(plan.cohort["part"] == "train")[:2]
    paths, hashes = plan.cohort["path"].copy(), plan.cohort["sha256"].copy()
    paths[rows], hashes[rows] = "absent.png", ["a" * 64, "b" * 64]
    broken = replace(plan, cohort=plan.cohort.with_columns(path=paths, sha256=hashes))
    parts = plan.cohort["part"].copy()
    parts[rows] = ""
    label, p = by_hand(plan, parts)
    assert measure(broken, plan.recipe, tmp_path, Progress()) == pytest.approx(
        log_loss(label, p), rel=1e-6
    )
