import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from leukoscope.models.estimators.on_descriptors import LIMIT
from leukoscope.models.estimators.votes import log_odds
from leukoscope.training.network.sampling import even_weights
from tests.training.described import DESCRIPTORS, ON_DESCRIPTORS, drawn, quick

COHORT, VALUES = drawn()
OTHERS, OTHER_VALUES = drawn(1)
LABEL, PERSON = COHORT["label"], COHORT["person"]
EVEN = np.ones(len(LABEL))


def fitted(estimator, weights=EVEN, values=VALUES, seed=0):
    settings = quick(estimator)
    chosen = settings.candidates()[0]
    return settings.fit(chosen, values, LABEL, weights, person=PERSON, seed=seed)


@pytest.mark.parametrize("estimator", ON_DESCRIPTORS)
def test_it_tells_other_persons_cells_apart_in_finite_log_odds(estimator):
    logit = fitted(estimator).logit(OTHER_VALUES)
    assert logit.shape == (len(OTHERS),)
    assert np.isfinite(logit).all()
    assert roc_auc_score(OTHERS["label"], logit) > 0.85
    assert abs(np.mean(logit > 0) - 0.5) < 0.15


@pytest.mark.parametrize(
    ("estimator", "reference"),
    [
        ("logistic", LogisticRegression(C=0.1, max_iter=10_000)),
        ("svm", SVC(C=1, gamma=0.3 / DESCRIPTORS)),
    ],
)
def test_it_is_the_usual_pipeline(estimator, reference):
    pipeline = make_pipeline(StandardScaler(), reference).fit(VALUES, LABEL)
    near = np.abs(pipeline[0].transform(OTHER_VALUES)).max(axis=1) < LIMIT
    expected = pipeline.decision_function(OTHER_VALUES)
    assert fitted(estimator).logit(OTHER_VALUES)[near] == pytest.approx(expected[near], abs=1e-3)


@pytest.mark.parametrize("estimator", ON_DESCRIPTORS)
def test_weights_count_as_copies_do(estimator):
    """A class that weighs more is called more often."""
    heavy = fitted(estimator, np.where(LABEL == 1, 1.8, 0.2)).logit(OTHER_VALUES)
    light = fitted(estimator, np.where(LABEL == 1, 0.2, 1.8)).logit(OTHER_VALUES)
    assert np.mean(heavy > 0) > 0.6 > 0.4 > np.mean(light > 0)


@pytest.mark.parametrize("estimator", ["logistic", "svm", "knn"])
def test_a_cell_unlike_any_other_counts_as_one_at_the_limit(estimator):
    found = fitted(estimator)
    mean, std = found.standardize.mean, found.standardize.std
    far, edge = mean + 1e6 * std, mean + LIMIT * std
    assert np.array_equal(found.standardize(far[None]), np.full((1, DESCRIPTORS), LIMIT))
    assert found.logit(far[None]) == pytest.approx(found.logit(edge[None]))


def test_a_descriptor_that_never_changes_does_no_harm():
    values = VALUES.copy()
    values[:, 5] = 7
    assert np.isfinite(fitted("svm", values=values).logit(values)).all()


@pytest.mark.parametrize("estimator", ON_DESCRIPTORS)
def test_the_seed_decides(estimator):
    first, again = fitted(estimator).logit(VALUES), fitted(estimator).logit(VALUES)
    assert np.array_equal(first, again)


def test_more_neighbors_than_cells_are_all_cells():
    settings = quick("knn", neighbors=10_000)
    found = settings.fit(settings.candidates()[0], VALUES, LABEL, EVEN, person=PERSON, seed=0)
    assert found.model.n_neighbors == len(LABEL)
    assert np.ptp(found.logit(OTHER_VALUES)) < 1e-9


def test_votes_are_finite_and_even_where_nobody_voted():
    assert log_odds(np.array([0.0, 9, 0]), np.array([0.0, 0, 9])) == pytest.approx(
        [0, np.log(19), -np.log(19)]
    )


def test_persons_weigh_the_same_within_a_class_and_classes_the_same():
    label = np.array([1, 1, 1, 0, 0])
    person = np.array(["1", "1", "2", "H1", "H1"], dtype=object)
    weights = even_weights(label, person, "person")
    assert weights * 2 == pytest.approx(np.array([0.25, 0.25, 0.5, 0.5, 0.5]) * 5)
    assert even_weights(label, person, "class") == pytest.approx(
        np.array([1 / 3] * 3 + [0.5] * 2) * 2.5
    )
    assert even_weights(label, person, "none") == pytest.approx(np.ones(5))
