"""Metrics with persons as units: small numbers, of whom every pair can be compared."""

from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.evaluation.metrics.cells import Floats, Replicates, ScoredCells, divide


def person_auroc(label: ArrayLike, score: ArrayLike) -> float:
    """Probability that a random person with ALL scores above a random one with HEM.

    Ties count half. nan with one class only.

    Args:
        label: (P,) 1 = ALL, 0 = HEM.
        score: (P,) any score that rises with the probability of ALL.
    """
    truth, values = np.asarray(label) == 1, np.asarray(score, np.float64)
    positive, negative = values[truth], values[~truth]
    if not len(positive) or not len(negative):
        return nan
    difference = positive[:, None] - negative[None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def persons_auroc(cells: ScoredCells) -> float:
    """AUROC of persons, each scored by the mean log-odds of all their cells.

    Persons with cells of both classes are left out. nan where the person of a cell is unknown ("").
    """
    _, index = np.unique(cells.person, return_inverse=True)
    kind, score = _persons(cells, index)
    known = (kind == 0) | (kind == 1)
    if np.any(cells.person == ""):
        return nan
    return person_auroc(kind[known] == 1, score[known])


def persons_aurocs(replicates: Replicates) -> Floats:
    """`persons_auroc` of each replicate, (R,)."""
    cells, weights = replicates.cells, replicates.weights
    if np.any(cells.person == ""):
        return np.full(len(weights), nan)
    kind, score = _persons(cells, replicates.index)
    positive, negative = kind == 1, kind == 0
    difference = score[positive][:, None] - score[negative][None, :]
    above = (difference > 0) + 0.5 * (difference == 0)
    pairs = np.sum((weights[:, positive] @ above) * weights[:, negative], axis=1)
    return divide(pairs, weights[:, positive].sum(axis=1) * weights[:, negative].sum(axis=1))


def _persons(cells: ScoredCells, index: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Fraction of ALL labels, 0 or 1 but for mixed persons, and mean log-odds of each person."""
    p = np.clip(cells.p, 1e-12, 1 - 1e-12)
    count = np.bincount(index)
    return (
        np.bincount(index, cells.is_all) / count,
        np.bincount(index, np.log(p / (1 - p))) / count,
    )


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a proportion of `k` out of `n` independent persons.

    Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
    the case of the binomial", Biometrika 26 (1934) 404-413.

    Args:
        k: Number of successes.
        n: Number of trials.
        confidence: Two-sided confidence, between 0 and 1.

    Returns:
        Lower and upper bound; (0.0, 1.0) without trials.
    """
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0
    return low, high
