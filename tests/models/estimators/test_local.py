import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from leukoscope.models.estimators.local import Local, LocalModel
from leukoscope.models.network import local_features

SETTINGS = Local(frequencies=8, ridge=(1e-3,))
RANDOM = np.random.default_rng(7)
LABEL = np.arange(60) % 2
PERSON = (np.arange(60) // 10).astype(str)
WEIGHTS = RANDOM.uniform(0.2, 2, 60)


def drawn(cells: int = 60) -> np.ndarray:
    """Values as of cells: features within 1, measures, an area."""
    features = RANDOM.uniform(-0.5, 0.5, (cells, 16)) + 0.3 * (np.arange(cells) % 2)[:, None]
    measured = RANDOM.normal(size=(cells, local_features.MEASURES))
    measured[:, -1] = RANDOM.uniform(9.5, 10.6, cells)
    return np.concatenate([features, measured], axis=1).astype(np.float32)


VALUES = drawn()


def fitted(settings: Local = SETTINGS, ridge: float = 1e-3) -> LocalModel:
    return settings.fit({"ridge": ridge}, VALUES, LABEL, WEIGHTS, person=PERSON, seed=0)


def test_it_is_ridge_regression_on_structure_and_size():
    counts = WEIGHTS / WEIGHTS.sum()
    size = local_features.area_basis(torch.from_numpy(VALUES[:, -1].astype(float))).numpy()
    parts = []
    for inputs, share in ((VALUES[:, :16].astype(float), 1.0), (size, SETTINGS.size)):
        centered = inputs - counts @ inputs
        parts.append(centered * np.sqrt(share / (counts @ (centered**2).sum(axis=1))))
    both = np.concatenate(parts, axis=1)
    model = Ridge(alpha=1e-3, fit_intercept=True, solver="cholesky")
    model.fit(both, 2 * LABEL - 1, sample_weight=counts)
    np.testing.assert_allclose(fitted().logit(VALUES), model.predict(both), atol=1e-8)


def test_the_network_answers_as_the_fit():
    cells = RANDOM.integers(1, 255, (5, 120, 120, 3), dtype=np.uint8)
    for number, cell in enumerate(cells):
        cell[: 8 * number] = 0
    fit = fitted()
    with torch.inference_mode():
        values = fit.network.values(torch.from_numpy(cells)).numpy()
        answer = fit.network(torch.from_numpy(cells))
    np.testing.assert_allclose(answer.logit, fit.logit(values), atol=1e-4)
    np.testing.assert_allclose(answer.embedding, fit.embedding(values), rtol=1e-4, atol=1e-3)
    mapped = answer.heatmap.mean(dim=(1, 2)).numpy() + fit.bias
    np.testing.assert_allclose(mapped, answer.logit, atol=1e-4)


def test_without_a_say_the_size_changes_nothing():
    fit = fitted(Local(frequencies=8, size=0.0))
    other = VALUES.copy()
    other[:, -1] += 1
    np.testing.assert_array_equal(fit.logit(other), fit.logit(VALUES))
    assert np.ptp(fitted().logit(other) - fitted().logit(VALUES)) > 0.01


def test_a_large_ridge_says_the_same_of_all_cells():
    spread = [np.ptp(fitted(ridge=ridge).logit(VALUES)) for ridge in (1e-4, 1e-1, 1e3)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 0.01


def test_cells_that_do_not_differ_leave_it_finite():
    values = np.repeat(VALUES[:1], 60, axis=0)
    fit = SETTINGS.fit({"ridge": 1e-3}, values, LABEL, np.ones(60), person=PERSON, seed=0)
    assert np.isfinite(fit.embedding(VALUES)).all()
    assert fit.logit(VALUES) == pytest.approx(np.zeros(60))


def test_the_embedding_is_standardized_as_the_cells_count():
    found = fitted().embedding(VALUES)
    counts = WEIGHTS / WEIGHTS.sum()
    np.testing.assert_allclose(counts @ found, 0, atol=1e-6)
    np.testing.assert_allclose(counts @ found**2, 1, atol=1e-6)
