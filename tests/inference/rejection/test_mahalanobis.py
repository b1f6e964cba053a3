"""Distances against SciPy's Mahalanobis and scikit-learn's probabilistic PCA."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import distance as reference
from sklearn.decomposition import PCA

from leukoscope.core.errors import ModelFileError
from leukoscope.core.values import Limit
from leukoscope.inference.model_file.limits import OutOfDistribution
from leukoscope.inference.model_file.model_file import load
from leukoscope.inference.rejection import mahalanobis
from leukoscope.inference.rejection.mahalanobis import GaussianModel, fit_gaussian, pack, unpack
from tests.inference.tiny_model import tiny_card, write_tiny_model


def cloud(cells: int = 400, width: int = 8, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(cells, width)) @ random.normal(size=(width, width)) + 3


def test_with_all_axes_it_is_the_mahalanobis_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mahalanobis, "EXPLAINED_VARIANCE", 1.0)
    values = cloud()
    space = fit_gaussian(values, np.ones(len(values)))
    assert space is not None
    inverse = np.linalg.inv(np.cov(values.T, bias=True))
    for one in cloud(20, seed=5):
        expected = reference.mahalanobis(one, values.mean(axis=0), inverse)
        assert space.distance(one) == pytest.approx(expected, rel=1e-3)


def test_with_few_axes_it_is_that_of_probabilistic_pca(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mahalanobis, "EXPLAINED_VARIANCE", 0.9)
    random = np.random.default_rng(1)
    values = np.hstack([random.normal(0, 9, (3000, 2)), random.normal(0, 0.5, (3000, 10))])
    space = fit_gaussian(values, np.ones(len(values)))
    assert space is not None
    assert len(space.variances) == 2
    reference = PCA(2).fit(values)
    precision = np.asarray(reference.get_precision())
    for one in (np.zeros(12), values[7], np.arange(12.0)):
        offset = one - values.mean(axis=0)
        assert space.distance(one) == pytest.approx(
            np.sqrt(offset @ precision @ offset), rel=2e-3, abs=1e-3
        )


def test_weights_count_as_copies() -> None:
    values, copies = cloud(60), np.random.default_rng(2).integers(1, 5, 60)
    weighted, copied = (
        fit_gaussian(values, copies),
        fit_gaussian(values.repeat(copies, axis=0), [1] * copies.sum()),
    )
    assert weighted is not None
    assert copied is not None
    for one in cloud(5, seed=3):
        assert weighted.distance(one) == pytest.approx(copied.distance(one), rel=1e-4)


def test_a_dead_dimension_that_wakes_is_far_and_not_infinite() -> None:
    values = cloud(width=5)
    values[:, 4] = 0
    space = fit_gaussian(values, np.ones(len(values)))
    assert space is not None
    asleep = values.mean(axis=0)
    awake = asleep + np.array([0, 0, 0, 0, 5])
    assert space.distance(asleep) == pytest.approx(0, abs=1e-3)
    assert 10 < space.distance(awake) < np.inf
    assert space.distance(asleep + np.nan) == np.inf


def test_embeddings_that_do_not_differ_have_no_distance() -> None:
    assert fit_gaussian(np.ones((9, 3)), np.ones(9)) is None


def test_numbers_are_packed_as_float32() -> None:
    values = [0.0, -1.5, 3e30, 1 / 3]
    assert unpack(pack(values)).tolist() == pytest.approx(np.float32(values).tolist())
    space = fit_gaussian(cloud(), np.ones(400))
    assert space is not None
    assert space.width == 8
    again = GaussianModel(space.middle, space.axes, space.variances, space.rest)
    assert again == space


def test_a_card_that_measures_in_another_space_than_its_network_is_refused(tmp_path: Path) -> None:
    space = fit_gaussian(cloud(), np.ones(400))
    assert space is not None
    known = OutOfDistribution("made up", space, Limit(3.0, 0.01, False, 2, 400))
    path = write_tiny_model(tmp_path / "m.onnx", card=tiny_card(out_of_distribution=known))
    with pytest.raises(ModelFileError, match=r"8 dimensions.* 6"):
        load(path)
