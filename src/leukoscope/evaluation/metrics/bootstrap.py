"""Intervals by resampling persons.

Cells of one person resemble each other, so resampling cells would give intervals that are far too
narrow. Persons are the independent units: they are drawn with replacement, each with all their
cells, stratified by label.

Sources: A. C. Davison, D. V. Hinkley, "Bootstrap methods and their application", Cambridge 1997,
sections 3.2 and 3.8 (strata, clusters); C. A. Field, A. H. Welsh, "Bootstrapping clustered data",
J. R. Stat. Soc. B 69 (2007) 369-390.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.core.values import Estimate
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.calibration import bin_of
from leukoscope.evaluation.metrics.cells import (
    Replicates,
    ScoredCells,
    divide,
    draw_person_weights,
    ranked_counts,
)
from leukoscope.evaluation.metrics.metrics import METRIC, metric_values, replicate_values

REPLICATES = 2000
CONFIDENCE = 0.95
FEWEST_PERSONS = 3
"""With fewer persons of a class, too few draws differ for an interval to be meaningful."""


@dataclass(frozen=True)
class Band:
    """A curve with its pointwise 95 % interval; arrays (K,), and None without an interval."""

    x: NDArray[np.float64]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None


def why_no_interval(label: ArrayLike, person: ArrayLike) -> str:
    """The reason why persons cannot be resampled; "" if they can."""
    truth, who = np.asarray(label), np.asarray(person, dtype=object)
    unknown = int(np.sum(who == ""))
    if unknown:
        return f"the person of {unknown} of {counted(len(who), 'cell')} is unknown"
    for value, name in ((1, "ALL"), (0, "HEM")):
        persons = len(set(who[truth == value]))
        if persons < FEWEST_PERSONS:
            return (
                f"only {counted(persons, 'person')} with {name} cells, and an interval needs "
                f"{FEWEST_PERSONS} persons"
            )
    return ""


def bootstrap_metrics(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    *,
    threshold: ArrayLike,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Compute every metric with its 95 % percentile interval over persons.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell, "" where unknown.
        threshold: ALL is predicted for `p >= threshold`; one for all cells, or (N,).
        replicates: Number of bootstrap draws.
        seed: Seed of the draws.

    Returns:
        Estimates by metric key, in the order of `METRICS`; without an interval if there are too few
        persons or a person is unknown.
    """
    cells = ScoredCells.of(label, p, person, threshold)
    values = metric_values(cells, METRIC)
    reason = why_no_interval(label, person)
    if reason:
        return {key: Estimate(value, reason=reason) for key, value in values.items()}
    weights, index = draw_person_weights(label, person, replicates, seed)
    drawn = replicate_values(Replicates(cells, weights, index))
    return {key: estimate_of_draws(value, drawn[key]) for key, value in values.items()}


def paired_difference(
    label: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    person: ArrayLike,
    *,
    thresholds: tuple[float, float],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Metrics of the second model minus the first on the same cells, with paired 95 % intervals.

    Both models are evaluated on the same draws of persons. A person who is difficult for one model
    is often difficult for both, so the interval of the difference is narrower than two separate
    intervals suggest. A difference is significant if its interval excludes 0.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        first: (N,) probabilities of ALL from the first model.
        second: (N,) probabilities of ALL from the second model, for the same cells.
        person: (N,) person of each cell.
        thresholds: The operating points of the first and of the second model.
        replicates: Number of bootstrap draws.
        seed: Seed of the draws.
    """
    before, after = (
        ScoredCells.of(label, p, person, threshold)
        for p, threshold in zip((first, second), thresholds, strict=True)
    )
    values = {key: m.value(after) - m.value(before) for key, m in METRIC.items()}
    reason = why_no_interval(label, person)
    if reason:
        return {key: Estimate(value, reason=reason) for key, value in values.items()}
    weights, index = draw_person_weights(label, person, replicates, seed)
    drawn = [replicate_values(Replicates(cells, weights, index)) for cells in (after, before)]
    return {
        key: estimate_of_draws(value, drawn[0][key] - drawn[1][key])
        for key, value in values.items()
    }


def curve_bands(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
    points: int = 201,
) -> Mapping[str, Band]:
    """Pointwise 95 % bands over persons of two curves, "roc" and "precision_recall".

    ROC: sensitivity along the false positive rate, linear between scores. Precision-recall: the
    precision at the lowest attained recall that is at least x, which is the step that average
    precision sums; at x = 0, the precision of the highest-scoring ALL cells.
    """
    x = np.linspace(0, 1, points)
    wanted = np.maximum(x, np.finfo(np.float64).tiny)
    if why_no_interval(label, person):
        return {"roc": Band(x, None, None), "precision_recall": Band(x, None, None)}
    truth, score = np.asarray(label) == 1, np.asarray(p, np.float64)
    weights, index = draw_person_weights(label, person, replicates, seed)
    roc, precision = [], []
    for all_above, hem_above in ranked_counts(truth, score, weights, index):
        for tp, fp in zip(all_above, hem_above, strict=True):
            recall = tp / tp[-1]
            roc.append(np.interp(x, fp / fp[-1], recall))
            reached = np.searchsorted(recall, wanted)
            precision.append(tp[reached] / (tp[reached] + fp[reached]))
    return {
        name: Band(x, *_bounds(np.array(rows)))
        for name, rows in (("roc", roc), ("precision_recall", precision))
    }


def reliability_band(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Band:
    """Pointwise 95 % band over persons of the observed fraction of ALL, per non-empty bin."""
    index = bin_of(p)
    bins, place = np.unique(index, return_inverse=True)
    x = np.bincount(place, np.asarray(p, np.float64)) / np.bincount(place)
    if why_no_interval(label, person):
        return Band(x, None, None)
    weights, owner = draw_person_weights(label, person, replicates, seed)
    cells = np.zeros((weights.shape[1], len(bins)))
    found = np.zeros_like(cells)
    np.add.at(cells, (owner, place), 1)
    np.add.at(found, (owner, place), np.asarray(label) == 1)
    low, high = _bounds(divide(weights @ found, weights @ cells))
    return Band(x, low, high)


def _bounds(drawn: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.nanquantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return low, high


def estimate_of_draws(value: float, drawn: NDArray[np.float64]) -> Estimate:
    """A value with its percentile interval; without one if over 5 % of the draws are undefined."""
    if isnan(value):
        return Estimate(nan, reason="not defined on these cells")
    undefined = float(np.mean(np.isnan(drawn)))
    if undefined > 1 - CONFIDENCE:
        return Estimate(value, reason=f"not defined in {undefined:.0%} of the resampled cohorts")
    low, high = _bounds(drawn)
    return Estimate(value, float(low), float(high))
