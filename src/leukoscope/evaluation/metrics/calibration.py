"""Calibration: does a probability of 0.8 mean that 8 of 10 such cells are ALL?"""

from dataclasses import dataclass
from math import exp, log, nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 15
TEMPERATURE_RANGE = (0.05, 20.0)


def person_weights(person: ArrayLike) -> NDArray[np.float64]:
    """Sample weights that give every person the same total weight; their mean is 1."""
    _, index, count = np.unique(np.asarray(person), return_inverse=True, return_counts=True)
    return np.asarray(len(index) / (len(count) * count[index]), np.float64)


def negative_log_likelihood(label: ArrayLike, p: ArrayLike) -> float:
    """Mean negative log likelihood in nats; nan without cells."""
    losses = cell_losses(label, p)
    return float(losses.mean()) if len(losses) else nan


def cell_losses(label: ArrayLike, p: ArrayLike) -> NDArray[np.float64]:
    """The negative log likelihood of each cell, in nats; `p` is kept one epsilon off 0 and 1."""
    epsilon = np.finfo(np.float64).eps
    score = np.clip(np.asarray(p, np.float64), epsilon, 1 - epsilon)
    return np.asarray(-np.log(np.where(np.asarray(label) == 1, score, 1 - score)))


def fit_temperature(logit: ArrayLike, label: ArrayLike, person: ArrayLike | None = None) -> float:
    """Fit the temperature T for which sigmoid(logit / T) fits the labels of validation cells best.

    T changes no ranking and no AUROC, only the confidence. The loss is the mean negative log
    likelihood. With `person`, every person has the same weight: cells of one person are alike, so a
    person with 500 cells says little more about the next person than one with 50, and would
    otherwise dominate T. The loss is convex in 1 / T, so a one-dimensional search over log T finds
    its only minimum.

    Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks",
    ICML 2017.

    Args:
        logit: (N,) logits of the untempered model.
        label: (N,) 1 = ALL, 0 = HEM.
        person: (N,) person of each cell; without it every cell has the same weight.

    Returns:
        T from 0.05 to 20. It is at an end of that range if the validation cells are separated
        perfectly, or worse than by chance. 1.0 (no change) without cells of both classes, since
        nothing can be fitted then.
    """
    from scipy.optimize import minimize_scalar

    z, y = np.asarray(logit, np.float64), np.asarray(label)
    if not 0 < np.sum(y == 1) < len(y):
        return 1.0
    weight = np.ones(len(y)) if person is None else person_weights(person)
    margin = np.where(y == 1, -z, z)  # loss = log(1 + exp(margin / T))

    def loss(log_temperature: float) -> float:
        return float(np.mean(weight * np.logaddexp(0, margin / exp(log_temperature))))

    low, high = TEMPERATURE_RANGE
    found = minimize_scalar(
        loss, bounds=(log(low), log(high)), method="bounded", options={"xatol": 1e-6}
    )
    return exp(float(found.x))


@dataclass(frozen=True)
class Reliability:
    """A reliability curve: the cells in each non-empty bin of predicted probability."""

    stated: tuple[float, ...]
    """Mean probability of ALL in the bin."""
    observed: tuple[float, ...]
    """Fraction of ALL among the cells of the bin."""
    cells: tuple[int, ...]


def bin_of(p: ArrayLike, bins: int = BINS) -> NDArray[np.int64]:
    """The index of the equal-width bin of [0, 1] of each probability, as (low, high]."""
    edges = np.linspace(0, 1, bins + 1)
    return np.asarray(np.searchsorted(edges[1:-1], np.asarray(p, np.float64)), np.int64)


def reliability_curve(
    label: ArrayLike, p: ArrayLike, bins: int = BINS, *, weight: ArrayLike | None = None
) -> Reliability:
    """Compare predicted probability and observed fraction of ALL in `bins` equal-width bins.

    With `weight` (N,), for example from `person_weights`, both are weighted means of the cells.
    """
    index = bin_of(p, bins)
    counts = np.ones(len(index)) if weight is None else np.asarray(weight, np.float64)
    count, total = np.bincount(index, minlength=bins), np.bincount(index, counts, bins)
    full = count > 0
    stated = np.bincount(index, counts * np.asarray(p, np.float64), bins)[full] / total[full]
    observed = np.bincount(index, counts * (np.asarray(label) == 1), bins)[full] / total[full]
    return Reliability(
        tuple(stated.tolist()), tuple(observed.tolist()), tuple(count[full].tolist())
    )


def expected_calibration_error(
    label: ArrayLike, p: ArrayLike, bins: int = BINS, *, weight: ArrayLike | None = None
) -> float:
    """Mean gap between predicted probability and observed fraction of ALL, weighted by bin size.

    Equal-width bins of the probability of the positive class, as M. P. Naeini, G. F. Cooper, M.
    Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015, define
    it for two classes; 15 bins as in Guo et al. 2017. It is 0 at best, and biased upwards if a bin
    has few cells. `weight` (N,) weights the cells, for example by person.

    Returns:
        The error between 0 and 1; nan without cells.
    """
    score = np.asarray(p, np.float64)
    if not len(score):
        return nan
    counts = np.ones(len(score)) if weight is None else np.asarray(weight, np.float64)
    gap = np.bincount(bin_of(score, bins), counts * (score - (np.asarray(label) == 1)), bins)
    return float(np.abs(gap).sum() / counts.sum())
