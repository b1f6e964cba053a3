from pathlib import Path

import numpy as np
import pytest

from leukoscope import read_cohort
from leukoscope.core.errors import TrainingError
from leukoscope.core.statistics import sigmoid
from leukoscope.data.cohort import Cohort
from leukoscope.data.descriptors import NAMES, describe
from leukoscope.data.hashing import hash_cells
from leukoscope.data.imaging.image import decode, read_cell
from leukoscope.evaluation.metrics.calibration import fit_temperature, person_weights
from leukoscope.evaluation.metrics.conformal import class_limits, covers, person_quantile
from leukoscope.evaluation.metrics.metrics import CARD_METRICS
from leukoscope.evaluation.metrics.operating_point import choose_operating_point
from leukoscope.inference.model_file.model_file import load, read_card
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.rejection.mahalanobis import fit_gaussian
from leukoscope.models.recipe.recipe import from_dict
from leukoscope.training.calibration.out_of_distribution import FALSE_ALARMS
from leukoscope.training.network.sampling import even_weights
from leukoscope.training.release.cross_validate import PART
from leukoscope.training.release.final_fit import fit_release_model
from leukoscope.training.release.plots import write_release_figures
from leukoscope.training.release.publish import ReleasedModel
from tests.training.tiny import write_cells

pytestmark = pytest.mark.slow(6)

KERNEL = {"estimator": "kernel", "ridge": 0.3, "gamma": 0.3}
RECIPE = from_dict({"name": "all", "classical": KERNEL})


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return hash_cells(read_cohort(write_cells(tmp_path_factory.mktemp("cells") / "own")))


@pytest.fixture(scope="module")
def run(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ReleasedModel]:
    path = tmp_path_factory.mktemp("model") / "all.onnx"
    return path, fit_release_model(cohort, RECIPE, path, folds=3)


@pytest.fixture(scope="module")
def made(run: tuple[Path, ReleasedModel]) -> Path:
    return run[0]


@pytest.fixture(scope="module")
def released(run: tuple[Path, ReleasedModel]) -> ReleasedModel:
    return run[1]


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
    assert set(card.results) == {one.key for one in CARD_METRICS}
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
    made = fit_release_model(shuffled, memory, tmp_path / "m.onnx", folds=3)
    values = Predictor(tmp_path / "m.onnx")
    p = np.array([answer.p_all for answer in values.predict(cohort.paths)], float)
    assert ((p > 0.5) == (label == 1)).mean() > 0.9
    assert made.results.metrics["auroc"].value < 0.8


def test_each_person_is_answered_for_by_one_fold_and_judged_by_what_the_others_set(
    released: ReleasedModel, cohort: Cohort
) -> None:
    said = released.predictions
    assert all(len(set(said.fold[cohort["person"] == who])) == 1 for who in set(cohort["person"]))
    for number in range(3):
        own, others = said.fold == number, said.fold != number
        label, person = cohort["label"][others], cohort["person"][others]
        temperature = fit_temperature(said.logit[others], label, person)
        p = sigmoid(said.logit / temperature)
        point = choose_operating_point(label, p[others], person)
        np.testing.assert_allclose(said.p[own], p[own])
        assert np.array_equal(said.predicted_all[own], p[own] >= point.threshold)
        limits = class_limits(label, p[others], person, alpha_all=0.05, alpha_hem=0.15).thresholds
        assert np.array_equal(said.covered[own], covers(limits, cohort["label"], p)[own])
        blast, normal = (covers(limits, np.full(len(p), label), p) for label in (1, 0))
        verdict = said.verdict[own]
        answered = np.isin(verdict, ["blast", "normal"])
        assert np.array_equal(verdict[answered] == "blast", said.predicted_all[own][answered])
        assert np.all((blast != normal)[own][answered])
        doubtful = ((blast == normal) | (blast != said.predicted_all))[own]
        assert set(verdict[doubtful]) <= {"uncertain", "not a cell"}


def test_the_known_distance_is_that_of_everyone_left_out_once(
    released: ReleasedModel, cohort: Cohort
) -> None:
    """Each fold's cloud is drawn anew from the descriptors here, as the model standardizes them."""
    known = released.card.out_of_distribution
    assert known is not None
    assert (known.limit.persons, known.limit.cells) == (16, len(cohort))
    card, fold, who = released.card, released.predictions.fold, cohort["person"].astype(str)
    assert card.descriptors is not None
    columns = [NAMES.index(name) for name in card.descriptors.names]
    values = np.stack([describe(read_cell(path, card.input))[columns] for path in cohort.paths])
    far = np.empty(len(cohort))
    for number in range(3):
        own, out = fold != number, fold == number
        fitted = RECIPE.classical.fit(
            {"ridge": 0.3, "gamma": 0.3},
            values[own],
            cohort["label"][own].astype(np.int64),
            even_weights(cohort["label"][own], cohort["person"][own], "class"),
            person=cohort["person"][own],
            seed=0,
        )
        space = fit_gaussian(fitted.embedding(values[own]), person_weights(who[own]))
        assert space is not None
        far[out] = [space.distance(one) for one in fitted.embedding(values[out])]
    assert known.limit.value == pytest.approx(person_quantile(far, who, 1 - FALSE_ALARMS))


def test_the_card_has_a_row_for_each_person(released: ReleasedModel, cohort: Cohort) -> None:
    rows, said = released.card.left_out, released.predictions
    assert [row.person for row in rows] == [row.person for row in released.results.persons]
    assert {row.person for row in rows} == set(cohort["person"])
    for row in rows:
        own = cohort["person"] == row.person
        verdict = said.verdict[own]
        right, other = ("blast", "normal") if row.label == "ALL" else ("normal", "blast")
        assert row.cells == own.sum()
        assert row.right == np.sum(said.predicted_all[own] == (row.label == "ALL"))
        assert row.answered == np.sum((verdict == right) | (verdict == other))
        assert row.wrong == np.sum(verdict == other)
        assert row.not_cells == np.sum(verdict == "not a cell")
        assert row.covered == said.covered[own].sum()
        assert row.mean_p == pytest.approx(said.p[own].mean(), abs=1e-4)
        lit = [np.sum(decode(path).max(axis=2) >= 16) for path in cohort.select(own).paths]
        assert row.area == pytest.approx(np.median(lit), rel=0.05)


@pytest.mark.usefixtures("drawn")
def test_pictures_are_the_same_for_the_same_answers(
    released: ReleasedModel, tmp_path: Path
) -> None:
    one, two = (write_release_figures(released, tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in one] == [
        "shipped-reliability.png",
        "shipped-risk-coverage.png",
        "shipped-persons.png",
    ]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_too_few_persons_are_refused(tmp_path: Path, cohort: Cohort) -> None:
    one = cohort.with_columns(person=np.where(cohort["label"] == 1, "1", "H1").astype(object))
    with pytest.raises(TrainingError, match="1 person"):
        fit_release_model(one, RECIPE, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
