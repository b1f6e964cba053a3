import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.values import Cells
from leukoscope.evaluation.metrics.decision import net_benefit, net_benefit_of_all
from leukoscope.evaluation.metrics.operating_point import choose_operating_point, operating_curve
from tests.evaluation.tables import scored, table


@given(scored(), st.floats(0.01, 1))
def test_it_is_the_highest_attained_score_that_keeps_the_recall(cells, target):
    label, p, person = cells
    point = choose_operating_point(label, p, person, target)
    positive = p[label == 1]
    assert point.threshold in positive
    assert point.recall == pytest.approx(np.mean(positive >= point.threshold))
    assert point.recall >= target - 1e-9
    higher = [score for score in positive if score > point.threshold]
    assert all(np.mean(positive >= score) < target for score in higher)
    assert point.specificity == pytest.approx(np.mean(p[label == 0] < point.threshold))
    assert point.set_on == Cells("validation", len(np.unique(person)), len(p))


@given(scored())
def test_the_curve_by_brute_force(cells):
    label, p, _ = cells
    sensitivity, specificity = operating_curve(label, p)
    assert len(sensitivity) == len(specificity) == 101
    for k, (hit, rejected) in enumerate(zip(sensitivity, specificity, strict=True)):
        assert hit == pytest.approx(np.mean(p[label == 1] >= k / 100))
        assert rejected == pytest.approx(np.mean(p[label == 0] < k / 100))


@pytest.mark.parametrize(("target", "cells", "called"), [(0.95, 20, 19), (0.55, 100, 55)])
def test_a_whole_number_of_cells_is_not_exceeded_for_a_rounding_error(target, cells, called):
    assert target * cells == pytest.approx(called)
    person = ["a"] * cells
    point = choose_operating_point([1] * cells, np.arange(cells) / cells, person, target)
    assert point.recall == pytest.approx(called / cells)


def test_ties_are_called_together():
    point = choose_operating_point([1, 1, 1, 0], [0.3, 0.3, 0.9, 0.3], ["a", "a", "b", "c"], 0.5)
    assert (point.threshold, point.recall, point.specificity) == (0.3, 1.0, 0.0)


def test_without_normal_cells_the_specificity_is_not_defined():
    assert np.isnan(choose_operating_point([1, 1], [0.2, 0.8], ["a", "b"]).specificity)


def test_without_all_cells_it_cannot_be_set():
    with pytest.raises(LeukoscopeError, match="no ALL cell"):
        choose_operating_point([0, 0], [0.2, 0.8], ["a", "b"])


@pytest.mark.parametrize("target", [0, -1, 1.01, float("nan")])
def test_a_recall_out_of_range_is_refused(target):
    with pytest.raises(LeukoscopeError, match="recall"):
        choose_operating_point([1], [0.5], ["a"], target)


@given(scored())
def test_net_benefit_by_brute_force(cells):
    label, p, _ = cells
    thresholds = np.linspace(0, 0.95, 20)
    for t, value in zip(thresholds, net_benefit(label, p, thresholds), strict=True):
        true_calls = sum(1 for y, s in zip(label, p, strict=True) if y == 1 and s >= t)
        false_calls = sum(1 for y, s in zip(label, p, strict=True) if y == 0 and s >= t)
        assert value == pytest.approx((true_calls - false_calls * t / (1 - t)) / len(label))


def test_net_benefit_of_calling_all_in_closed_form():
    label = table()["label"]
    t, share = np.array([0.0, 0.1, 0.5, 0.9]), np.mean(label)
    np.testing.assert_allclose(net_benefit_of_all(label, t), share - (1 - share) * t / (1 - t))
    np.testing.assert_allclose(net_benefit(label, label, t), share)
    assert np.isnan(net_benefit([], [], t)).all()
