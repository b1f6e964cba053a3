import numpy as np
import pytest

from leukoscope.core.errors import TrainingError
from leukoscope.training.estimators.grid_search import choose, person_folds
from tests.training.described import PERSONS, drawn, quick

COHORT, VALUES = drawn()
EVEN = np.ones(len(COHORT))


def test_a_person_stands_in_one_fold_and_every_fold_has_both_classes():
    fold = person_folds(COHORT, 4, seed=0)
    assert set(fold) == {0, 1, 2, 3}
    for person in COHORT.unique("person"):
        assert len(set(fold[COHORT["person"] == person])) == 1
    for number in range(4):
        assert set(COHORT["label"][fold == number]) == {0, 1}
    assert not np.array_equal(fold, person_folds(COHORT, 4, seed=1))


def test_persons_who_share_a_cell_stand_in_one_fold():
    cell = np.array([f"c{row}" for row in range(len(COHORT))], dtype=object)
    cell[COHORT["person"] == "1"] = cell[COHORT["person"] == "4"] = "same"
    linked = COHORT.with_columns(cell=cell)
    for seed in range(6):
        fold = person_folds(linked, 5, seed)
        assert set(fold[COHORT["person"] == "1"]) == set(fold[COHORT["person"] == "4"])


def test_there_are_no_more_folds_than_persons_of_a_class():
    assert set(person_folds(COHORT, 50, seed=0)) == set(range(PERSONS))
    few = COHORT.select(np.isin(COHORT["person"], ["1", "2", "H6"]))
    with pytest.raises(TrainingError, match=r"1 person,.*--set classical"):
        person_folds(few, 5, seed=0)
    with pytest.raises(TrainingError, match="0 persons, too few"):
        person_folds(COHORT.select(COHORT["label"] == 1), 5, seed=0)


def test_the_best_on_persons_left_out_is_taken():
    choice = choose(quick("logistic", c=[1e-9, 0.1]), COHORT, VALUES, EVEN, seed=0)
    assert choice.auroc.shape == (2, 5)
    best = choice.auroc.mean(axis=1).argmax()
    assert choice.chosen == choice.candidates[best]
    noise = np.random.default_rng(0).normal(size=VALUES.shape).astype(np.float32)
    noise[:, 0] += 3 * COHORT["label"]
    near_or_all = choose(quick("knn", neighbors=[15, 999]), COHORT, noise, EVEN, seed=0)
    assert near_or_all.chosen == {"neighbors": 15}


def test_memory_of_persons_earns_nothing():
    """A descriptor that names the person, and so the label, is worth nothing on other persons."""
    random = np.random.default_rng(0)
    person = np.unique(COHORT["person"], return_inverse=True)[1]
    values = random.normal(size=(len(COHORT), 12)).astype(np.float32)
    values[:, :6] += 5 * random.normal(size=(person.max() + 1, 6))[person]
    choice = choose(quick("knn", neighbors=[1, 5]), COHORT, values, EVEN, seed=0)
    assert abs(choice.auroc.mean() - 0.5) < 0.25


def test_one_candidate_needs_no_folds():
    choice = choose(quick("svm"), COHORT, VALUES, EVEN, seed=0)
    assert choice.chosen == {"c": 1, "gamma": 0.3}
    assert choice.auroc.size == 0


def test_progress_and_threads_change_nothing():
    seen = []

    def track(items, text, total):
        seen.append((text, total))
        yield from items

    settings = quick("logistic", c=[0.01, 1])
    one = choose(settings, COHORT, VALUES, EVEN, seed=0)
    other = choose(settings, COHORT, VALUES, EVEN, seed=0, jobs=3, track=track)
    assert np.array_equal(one.auroc, other.auroc)
    assert seen == [("Choosing settings", 10)]
