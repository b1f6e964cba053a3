"""Limits against the textbook formula, brute force, and many made-up persons."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.errors import LeukoscopeError
from leukoscope.evaluation.metrics.conformal import (
    class_limits,
    covers,
    person_limit,
    person_quantile,
)
from tests.evaluation.tables import scored


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=60),
    st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 0.9]),
)
def test_with_one_cell_a_person_it_is_split_conformal_prediction(scores, alpha):
    """The ceil((n + 1)(1 - alpha))-th smallest score, as in every textbook."""
    count = len(scores)
    limit = person_limit(scores, [str(k) for k in range(count)], alpha)
    assert limit.guaranteed == (count >= round(2 * (1 - alpha) / alpha, 9))
    effective = count + 1 if limit.guaranteed else count
    rank = ceil(round(effective * (1 - alpha), 9))
    assert limit.value == sorted(scores)[rank - 1]
    assert (limit.persons, limit.cells) == (count, count)


@given(scored(), st.floats(0, 1), st.integers(0, 3))
def test_the_quantile_by_brute_force(cells, share, unseen):
    _, score, person = cells
    names = sorted(set(person))

    def weight_up_to(value):
        shares = [np.mean(score[person == name] <= value) for name in names]
        return sum(shares) / (len(names) + unseen)

    found = person_quantile(score, person, share, unseen=unseen)
    if np.isinf(found):
        assert weight_up_to(score.max()) < share
    else:
        assert weight_up_to(found) >= share - 1e-8
        lower = score[score < found]
        assert not len(lower) or weight_up_to(lower.max()) < share


@given(scored(), st.sampled_from([0.05, 0.3, 0.6]))
def test_more_cells_of_one_person_change_nothing(cells, alpha):
    _, score, person = cells
    again = person == person[0]
    repeated = np.append(score, score[again]), np.append(person, person[again])
    before, after = person_limit(score, person, alpha), person_limit(*repeated, alpha)
    assert (before.value, before.guaranteed) == (after.value, after.guaranteed)


def test_a_new_person_keeps_the_promise_on_average():
    """And cells taken for exchangeable would not, as persons differ more than their cells."""
    random = np.random.default_rng(0)
    alpha, persons, over, pooled_over = 0.2, 9, [], []
    for _ in range(600):
        cells = random.integers(2, 60, persons + 1)
        scores = [random.normal(random.normal(0, 1.5 if n < 20 else 0.5), 0.2, n) for n in cells]
        who = np.repeat(np.arange(persons), cells[:-1])
        known = np.concatenate(scores[:-1])
        limit = person_limit(known, who, alpha)
        assert limit.guaranteed
        over.append(np.mean(scores[-1] > limit.value))
        pooled_over.append(np.mean(scores[-1] > np.quantile(known, 1 - alpha)))
    spread = np.std(over) / np.sqrt(len(over))
    assert np.mean(over) <= alpha + 2 * spread
    assert np.mean(pooled_over) > alpha + 2 * spread


@pytest.mark.parametrize(
    ("persons", "guaranteed"), [(2, False), (9, False), (17, False), (18, True), (30, True)]
)
def test_few_persons_promise_nothing(persons, guaranteed):
    score = np.arange(10 * persons)
    limit = person_limit(score, np.repeat(np.arange(persons), 10), 0.1)
    assert limit.guaranteed is guaranteed
    assert np.isfinite(limit.value)


def test_class_limits_are_each_classes_own():
    label = np.array([1] * 20 + [0] * 20)
    p = np.concatenate([np.linspace(0.2, 1, 20), np.linspace(0, 0.6, 20)])
    person = np.array([str(k) for k in range(40)], dtype=object)
    found = class_limits(label, p, person, alpha_all=0.1, alpha_hem=0.2)
    # 19 of 21 from above, and 17 of 21 from below: with the new person counted.
    assert found.all_from.value == p[1]
    assert found.hem_to.value == p[20 + 16]
    assert (found.all_from.alpha, found.hem_to.alpha) == (0.1, 0.2)
    assert covers(found.thresholds, [1, 1], p[[0, 1]]).tolist() == [False, True]
    assert covers(found.thresholds, [0, 0], p[[36, 37]]).tolist() == [True, False]
    assert [found.thresholds.classes(one) for one in (p[0], p[37])] == [("HEM",), ("ALL",)]
    # The other class has no say.
    other = class_limits(label, np.where(label == 1, p, p**2), person, alpha_all=0.1, alpha_hem=0.2)
    assert other.all_from == found.all_from
    assert other.hem_to != found.hem_to


def test_what_cannot_be_set_is_said():
    with pytest.raises(LeukoscopeError, match="validation subset"):
        person_limit([], [], 0.1)
    for alpha in (-0.1, 1.0):
        with pytest.raises(LeukoscopeError, match="alpha"):
            person_limit([1.0], ["a"], alpha)
