import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from leukoscope.training.network.sampling import class_weights, epoch_order

# 3 persons of one class with 60, 30 and 10 cells; 2 of the other with 15 and 5.
LABEL = np.repeat([1, 0], [100, 20]).astype(np.float32)
PERSON = np.repeat(np.array(["1", "2", "3", "H1", "H2"], dtype=object), [60, 30, 10, 15, 5])
EPOCHS = 300


def drawn(sampling: str) -> np.ndarray:
    """Rows of many epochs, one after the other."""
    orders = [
        epoch_order(LABEL, PERSON, sampling=sampling, seed=1, epoch=epoch)
        for epoch in range(EPOCHS)
    ]
    return np.concatenate(orders)


def share_of(values: np.ndarray) -> dict[object, float]:
    return {value: float(np.mean(values == value)) for value in set(values.tolist())}


def test_natural_shows_every_cell_once() -> None:
    order = epoch_order(LABEL, PERSON, sampling="natural", seed=0, epoch=0)
    assert sorted(order) == list(range(len(LABEL)))


# A share p of n = 36,000 draws has a standard deviation of sqrt(p (1 - p) / n) < 0.0027.
def test_class_sampling_shows_classes_equally_and_cells_of_a_class_equally() -> None:
    rows = drawn("class")
    assert share_of(LABEL[rows]) == pytest.approx({1: 0.5, 0: 0.5}, abs=0.012)
    expected = {"1": 0.3, "2": 0.15, "3": 0.05, "H1": 0.375, "H2": 0.125}
    assert share_of(PERSON[rows]) == pytest.approx(expected, abs=0.012)


def test_person_sampling_shows_the_persons_of_a_class_equally() -> None:
    rows = drawn("person")
    expected = {"1": 1 / 6, "2": 1 / 6, "3": 1 / 6, "H1": 1 / 4, "H2": 1 / 4}
    assert share_of(PERSON[rows]) == pytest.approx(expected, abs=0.012)


def test_a_person_with_cells_of_both_classes_counts_in_each() -> None:
    label, person = np.array([1, 1, 1, 0]), np.array(["1", "1", "2", "1"], dtype=object)
    rows = np.concatenate(
        [epoch_order(label, person, sampling="person", seed=0, epoch=e) for e in range(4000)]
    )
    expected = {0: 0.125, 1: 0.125, 2: 0.25, 3: 0.5}
    assert share_of(rows) == pytest.approx(expected, abs=0.02)


@given(
    st.sampled_from(["natural", "class", "person"]), st.integers(0, 2**32 - 2), st.integers(0, 1000)
)
def test_an_order_is_a_function_of_seed_and_epoch(sampling: str, seed: int, epoch: int) -> None:
    first, again, next_epoch, other_seed = (
        epoch_order(LABEL, PERSON, sampling=sampling, seed=s, epoch=e)
        for s, e in ((seed, epoch), (seed, epoch), (seed, epoch + 1), (seed + 1, epoch))
    )
    assert len(first) == len(LABEL)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, next_epoch)
    assert not np.array_equal(first, other_seed)


@given(st.integers(1, 500), st.integers(1, 500))
def test_balanced_weights_are_those_of_scikit_learn(blasts: int, normals: int) -> None:
    label = np.repeat([1, 0], [blasts, normals])
    reference = compute_class_weight("balanced", classes=np.array([0, 1]), y=label)
    np.testing.assert_allclose(class_weights(label, "balanced"), reference, rtol=1e-6)


def test_weights_none_and_by_name() -> None:
    assert class_weights(LABEL, "none").tolist() == [1, 1]
    assert class_weights(LABEL, {"ALL": 0.5, "HEM": 2}).tolist() == [2, 0.5]
