import numpy as np
import pytest
from hypothesis import given
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from leukoscope.core.statistics import sigmoid
from leukoscope.evaluation.metrics.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    person_weights,
    reliability_curve,
)
from tests.evaluation.tables import scored, table


def test_sigmoid_agrees_with_scipy_and_does_not_overflow():
    z = np.array([-1e4, -30, -1, 0, 0.5, 30, 1e4])
    np.testing.assert_allclose(sigmoid(z), expit(z), atol=1e-15)


@given(scored())
def test_reliability_curve_agrees_with_scikit_learn(cells):
    label, p, _ = cells
    curve = reliability_curve(label, p)
    observed, stated = calibration_curve(label, p, n_bins=15)
    np.testing.assert_allclose(curve.observed, observed)
    np.testing.assert_allclose(curve.stated, stated)
    assert sum(curve.cells) == len(label)


@given(scored())
def test_calibration_error_by_brute_force(cells):
    label, p, _ = cells
    total = 0.0
    for k in range(15):
        low, high = k / 15, (k + 1) / 15
        own = [
            (y, s) for y, s in zip(label, p, strict=True) if low < s <= high or (k == 0 and s == 0)
        ]
        if own:
            total += len(own) * abs(np.mean([y for y, _ in own]) - np.mean([s for _, s in own]))
    assert expected_calibration_error(label, p) == pytest.approx(total / len(label))


@given(scored())
def test_weights_count_as_copies(cells):
    label, p, person = cells
    copies = 1 + np.unique(person, return_inverse=True)[1]
    error = expected_calibration_error(label, p, weight=copies)
    repeated = label.repeat(copies), p.repeat(copies)
    assert error == pytest.approx(expected_calibration_error(*repeated))
    curve, same = reliability_curve(label, p, weight=copies), reliability_curve(*repeated)
    np.testing.assert_allclose(curve.observed, same.observed)
    np.testing.assert_allclose(curve.stated, same.stated)
    assert sum(curve.cells) == len(label)


def test_perfectly_calibrated_bins_have_no_error():
    assert expected_calibration_error([1, 0, 0, 0] * 5, [0.25] * 20) == pytest.approx(0)
    assert expected_calibration_error([1, 0], [0.0, 1.0]) == pytest.approx(1)


def test_without_cells_nothing_is_defined():
    assert np.isnan(expected_calibration_error([], []))
    assert np.isnan(negative_log_likelihood([], []))


def test_temperature_is_recovered_from_labels_drawn_at_it():
    random = np.random.default_rng(0)
    z = random.normal(0, 4, 40_000)
    label = random.random(len(z)) < expit(z / 2.5)
    assert fit_temperature(z, label.astype(int)) == pytest.approx(2.5, rel=0.03)


def test_temperature_is_the_inverse_slope_of_a_logistic_regression():
    cells = table()
    weight = person_weights(cells["person"])
    model = LogisticRegression(C=1e9, fit_intercept=False, tol=1e-10)
    model.fit(cells["logit"][:, None], cells["label"], sample_weight=weight)
    fitted = fit_temperature(cells["logit"], cells["label"], cells["person"])
    assert fitted == pytest.approx(1 / model.coef_[0, 0], rel=1e-4)
    assert fitted != pytest.approx(fit_temperature(cells["logit"], cells["label"]), rel=1e-3)


def test_each_person_weighs_the_same():
    person = ["a"] * 8 + ["b"] * 2
    weight = person_weights(person)
    assert weight[:8].sum() == pytest.approx(weight[8:].sum())
    assert weight.mean() == pytest.approx(1)


def test_temperature_mends_an_overconfident_model():
    cells = table()
    z, label = cells["logit"] * 4, cells["label"]
    temperature = fit_temperature(z, label)
    before, after = sigmoid(z), sigmoid(z / temperature)
    assert negative_log_likelihood(label, after) < negative_log_likelihood(label, before)
    assert expected_calibration_error(label, after) < expected_calibration_error(label, before)


@pytest.mark.parametrize("label", [[0, 0, 0], [1, 1, 1], []])
def test_temperature_needs_both_classes(label):
    assert fit_temperature([0.5, 1.0, 2.0][: len(label)], label) == 1.0


def test_temperature_stays_in_range_when_classes_are_told_apart_without_error():
    assert 0.05 <= fit_temperature([-3.0, -1.0, 1.0, 3.0], [0, 0, 1, 1]) < 0.06
    assert 19 < fit_temperature([3.0, 1.0, -1.0, -3.0], [0, 0, 1, 1]) <= 20
