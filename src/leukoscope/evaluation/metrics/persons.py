"""Metrics with persons as units: small numbers, of whom every pair can be compared."""

from math import nan

import numpy as np
from numpy.typing import ArrayLike


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
