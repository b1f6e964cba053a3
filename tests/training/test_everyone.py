from pathlib import Path

import numpy as np
import pytest

from leukoscope.data.cohort import Cohort, hash_cells
from leukoscope.errors import TrainingError
from leukoscope.evaluation.calibration import fit_temperature, sigmoid
from leukoscope.evaluation.metrics import METRICS
from leukoscope.evaluation.operating import choose_operating_point
from leukoscope.inference.model_file import load, read_card
from leukoscope.inference.predictor import Predictor
from leukoscope.models.recipe import from_dict
from leukoscope.training.everyone import PART, run_everyone
from leukoscope.verbs.data import read_cohort
from tests.training.tiny import write_cells

KERNEL = {"estimator": "kernel", "ridge": 0.3, "gamma": 0.3}
RECIPE = from_dict({"name": "all", "classical": KERNEL})


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return hash_cells(read_cohort(write_cells(tmp_path_factory.mktemp("cells") / "own")))


@pytest.fixture(scope="module")
def made(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "all.onnx"
    run_everyone(cohort, RECIPE, path, folds=3)
    return path


def test_the_card_names_everyone_as_seen_and_no_one_as_kept_back(
    made: Path, cohort: Cohort
) -> None:
    card = read_card(made)
    assert set(card.training.persons["train"]) == set(cohort["person"])
    assert card.training.persons["validation"] == ()
    assert len(card.hash_set()) == len(set(cohort["sha256"]))
    assert card.recipe["classical"]["ridge"] == [0.3]


def test_what_was_set_and_measured_says_that_it_is_from_folds(made: Path, cohort: Cohort) -> None:
    card = read_card(made)
    assert card.operating_point is not None
    assert card.operating_point.set_on.part == PART
    assert card.operating_point.set_on.cells == len(cohort)
    assert card.operating_point.recall >= 0.95
    assert card.abstention is not None
    assert set(card.results) == {metric.key for metric in METRICS}
    assert {(one.part, one.cells) for one in card.results.values()} == {(PART, len(cohort))}


def test_the_file_answers(made: Path, cohort: Cohort) -> None:
    answers = list(Predictor(made).predict(cohort.paths))
    assert all(answer.p_all is not None and 0 < answer.p_all < 1 for answer in answers)
    assert load(made).card.descriptors is not None


def test_figures_are_of_persons_left_out(tmp_path: Path, cohort: Cohort) -> None:
    """Labels that only memory can tell are told no better than by chance."""
    person = np.array([f"{number % 12}" for number in range(len(cohort))], dtype=object)
    label = np.array([int(who) % 2 for who in person], dtype=np.int8)
    shuffled = cohort.with_columns(person=person, label=label, subject=person)
    memory = from_dict({"name": "m", "classical": {**KERNEL, "ridge": 0.001, "gamma": 30}})
    made = run_everyone(shuffled, memory, tmp_path / "m.onnx", folds=3)
    values = Predictor(tmp_path / "m.onnx")
    p = np.array([answer.p_all for answer in values.predict(cohort.paths)], float)
    assert ((p > 0.5) == (label == 1)).mean() > 0.9
    assert made.figures["auroc"].value < 0.8


def test_each_person_is_answered_for_by_one_fold_and_called_by_what_the_others_set(
    tmp_path: Path, cohort: Cohort
) -> None:
    said = run_everyone(cohort, RECIPE, tmp_path / "m.onnx", folds=3).answers
    assert all(len(set(said.fold[cohort["person"] == who])) == 1 for who in set(cohort["person"]))
    for number in range(3):
        own, others = said.fold == number, said.fold != number
        label, person = cohort["label"][others], cohort["person"][others]
        temperature = fit_temperature(said.logit[others], label, person)
        p = sigmoid(said.logit / temperature)
        point = choose_operating_point(label, p[others], person)
        np.testing.assert_allclose(said.p[own], p[own])
        assert np.array_equal(said.called[own], p[own] >= point.threshold)


def test_too_few_persons_are_refused(tmp_path: Path, cohort: Cohort) -> None:
    one = cohort.with_columns(person=np.where(cohort["label"] == 1, "1", "H1").astype(object))
    with pytest.raises(TrainingError, match="1 person"):
        run_everyone(one, RECIPE, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
