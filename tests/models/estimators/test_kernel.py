import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import pairwise

from leukoscope.models.estimators.kernel import KernelMachine, rbf_kernel

RANDOM = np.random.default_rng(3)
VALUES = RANDOM.normal(size=(80, 5)).astype(np.float32)
OTHERS = RANDOM.normal(size=(30, 5)).astype(np.float32)
LABEL = (VALUES[:, 0] + RANDOM.normal(0, 0.5, 80) > 0).astype(int)
WEIGHTS = RANDOM.uniform(0.2, 2, 80)


def machine(weights=WEIGHTS, ridge=0.3, gamma=0.1):
    return KernelMachine.fit(VALUES, LABEL, weights, ridge=ridge, gamma=gamma)


def test_the_kernel_is_the_gaussian_kernel():
    expected = pairwise.rbf_kernel(VALUES.astype(float), OTHERS.astype(float), gamma=0.2)
    np.testing.assert_allclose(rbf_kernel(VALUES, OTHERS, 0.2), expected, atol=1e-12)


def test_about_its_intercept_it_is_kernel_ridge_regression():
    found = machine()
    reference = KernelRidge(alpha=0.3, kernel="rbf", gamma=0.1)
    reference.fit(VALUES.astype(float), 2 * LABEL - 1 - found.intercept, sample_weight=WEIGHTS)
    expected = reference.predict(OTHERS.astype(float)) + found.intercept
    np.testing.assert_allclose(found.decision_function(OTHERS), expected, atol=1e-5)


def test_the_intercept_is_that_of_generalized_least_squares():
    covariance = rbf_kernel(VALUES, VALUES, 0.1) + np.diag(0.3 / WEIGHTS)
    inverse = np.linalg.inv(covariance)
    wanted = 2.0 * LABEL - 1
    assert machine().intercept == pytest.approx(inverse.sum(axis=0) @ wanted / inverse.sum())
    assert machine().dual_coef.sum() == pytest.approx(0, abs=1e-4)


def test_it_is_the_mean_of_a_gaussian_process():
    found = machine(np.ones(80))
    process = GaussianProcessRegressor(RBF((1 / 0.2) ** 0.5), alpha=0.3, optimizer=None)
    process.fit(VALUES.astype(float), 2 * LABEL - 1 - found.intercept)
    expected = process.predict(OTHERS.astype(float)) + found.intercept
    np.testing.assert_allclose(found.decision_function(OTHERS), expected, atol=1e-5)


def test_far_from_every_cell_it_answers_its_intercept():
    found = machine()
    assert found.decision_function(np.full((1, 5), 1e3)) == pytest.approx([found.intercept])


def test_a_large_ridge_smooths():
    spread = [np.ptp(machine(ridge=ridge).decision_function(OTHERS)) for ridge in (0.01, 1, 100)]
    assert spread[0] > spread[1] > spread[2]
