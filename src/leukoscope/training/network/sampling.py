"""Order and weights of the training cells; pure functions."""

from typing import Literal

import numpy as np

from leukoscope.core.errors import TrainingError
from leukoscope.core.seeds import generator
from leukoscope.core.wording import count as counted
from leukoscope.data.cohort import Cohort


def subset_rows(cohort: Cohort, part: str) -> np.ndarray:
    """The rows of one subset.

    Raises:
        TrainingError: It lacks a class.
    """
    rows = np.flatnonzero(cohort["part"] == part)
    present = set(cohort["label"][rows].tolist())
    if not {0, 1} <= present:
        raise TrainingError(
            f"{cohort.source}: the {part} subset has {counted(len(rows), 'cell')} and lacks ALL "
            "or HEM; try "
            "another --seed or larger --fractions, or add labeled cells."
        )
    return rows


def epoch_order(
    label: np.ndarray,
    person: np.ndarray,
    *,
    sampling: Literal["natural", "class", "person"],
    seed: int,
    epoch: int,
) -> np.ndarray:
    """The rows shown in one epoch, in order; as many as there are cells.

    Args:
        label: (N,) 0 or 1.
        person: (N,) person of each cell.
        sampling: "natural" shows every cell once; "class" draws with replacement so that both
            classes are equally likely; "person" so that within a class all persons are.
        seed: Random seed of the run.
        epoch: Number of the epoch; each has its own order.
    """
    rng = generator(seed, epoch, 0)
    if sampling == "natural":
        return rng.permutation(len(label))
    weights = even_weights(label, person, sampling)
    return rng.choice(len(label), size=len(label), p=weights / weights.sum())


def even_weights(
    label: np.ndarray, person: np.ndarray, balance: Literal["none", "class", "person"]
) -> np.ndarray:
    """Sample weights that give both classes, or every person of a class, the same total weight.

    Args:
        label: (N,) 0 or 1.
        person: (N,) person of each cell.
        balance: "none" for equal weights; "class"; or "person" for the classes, and within a class
            its persons.

    Returns:
        float64 (N,) with a mean of 1.
    """
    weights = np.ones(len(label))
    if balance == "class":
        weights /= _group_size(label)
    if balance == "person":
        pair = np.array([f"{value}:{who}" for value, who in zip(label, person, strict=True)])
        persons = {value: len(set(pair[label == value])) for value in set(label.tolist())}
        weights /= _group_size(pair) * [persons[value] for value in label.tolist()]
    return weights / weights.mean()


def class_weights(label: np.ndarray, setting: str | dict[str, float]) -> np.ndarray:
    """The weight of each class in the loss.

    Args:
        label: (N,) training labels, 0 or 1.
        setting: "none", "balanced" (n / (2 n_class), as scikit-learn defines it), or
            {"ALL": x, "HEM": y}.

    Returns:
        float32 (2,): weight of HEM, weight of ALL.
    """
    if isinstance(setting, dict):
        return np.array([setting["HEM"], setting["ALL"]], dtype=np.float32)
    if setting == "none":
        return np.ones(2, dtype=np.float32)
    counts = np.bincount(label.astype(int), minlength=2)
    return (len(label) / (2 * counts)).astype(np.float32)


def _group_size(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[inverse]
