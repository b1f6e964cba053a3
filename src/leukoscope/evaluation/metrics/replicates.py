"""Metrics of thousands of resampled cohorts at once.

A replicate of the person bootstrap is nothing but a whole number per person: how often that person
was drawn. So every metric becomes a weighted one and no cell is ever copied. Metrics that are
ratios of sums over cells need only the sums of each person: a matrix product of weights (R, P) and
sums (P, K). AUROC, average precision and the curves need the cumulative weights along the cells
sorted by score. R replicates, P persons, N cells throughout.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.evaluation.metrics.calibration import BINS, bin_of, cell_losses
from leukoscope.evaluation.metrics.metrics import Floats, divide, threshold_metrics

# Cells times replicates held at once: 2 million float64 are 16 MB, which stays near the processor's
# cache.
BLOCK = 2_000_000


def draw_person_weights(
    label: ArrayLike, person: ArrayLike, replicates: int, seed: int
) -> tuple[Floats, NDArray[np.int64]]:
    """How often each person is drawn in each replicate, with replacement, within strata by label.

    Persons with only ALL cells, only HEM cells and both are drawn apart, so that every replicate
    has as many of each as the cohort, and both classes.

    Returns:
        The weights (R, P), whole numbers, and the index (N,) of each cell's person among the P
        persons.
    """
    truth = np.asarray(label)
    names, index = np.unique(np.asarray(person), return_inverse=True)
    has_all = np.bincount(index, truth == 1, len(names)) > 0
    has_hem = np.bincount(index, truth == 0, len(names)) > 0
    stratum = has_all + 2 * has_hem
    weights = np.zeros((replicates, len(names)))
    random = np.random.default_rng(seed)
    for value in np.unique(stratum):
        members = np.flatnonzero(stratum == value)
        weights[:, members] = random.multinomial(
            len(members), np.full(len(members), 1 / len(members)), replicates
        )
    return weights, index


def ranked_counts(
    truth: NDArray[np.bool_], score: Floats, weights: Floats, index: NDArray[np.int64]
) -> Iterator[tuple[Floats, Floats]]:
    """ALL and HEM cells at or above each distinct score, from the highest down, by replicate.

    Yields:
        For a block of replicates at a time, two arrays (R of the block, K + 1) for the K distinct
        scores; the first column is 0, the last the total.
    """
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(
        np.append(np.diff(score[order]) != 0, True)
    )  # equal scores are passed together
    owner, positive = index[order], truth[order]
    rows = max(1, BLOCK // max(1, len(score)))
    for start in range(0, len(weights), rows):
        drawn = weights[start : start + rows][:, owner]
        above = [np.cumsum(drawn * side, axis=1)[:, last] for side in (positive, ~positive)]
        all_above, hem_above = (np.pad(counts, ((0, 0), (1, 0))) for counts in above)
        yield all_above, hem_above


def replicate_metrics(
    label: ArrayLike, p: ArrayLike, weights: Floats, index: NDArray[np.int64], threshold: float
) -> dict[str, Floats]:
    """The metrics of `metrics.METRICS` in every replicate.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        weights: (R, P) how often each person was drawn.
        index: (N,) person of each cell, 0 to P - 1.
        threshold: A cell is called ALL where `p >= threshold`.

    Returns:
        Metric key to (R,) values, nan where not defined.
    """
    truth, score = np.asarray(label) == 1, np.asarray(p, np.float64)
    return (
        ranking(truth, score, weights, index)
        | predicted_labels(truth, score >= threshold, weights, index)
        | _probabilities(truth, score, weights, index)
    )


def ranking(
    truth: NDArray[np.bool_], score: Floats, weights: Floats, index: NDArray[np.int64]
) -> dict[str, Floats]:
    """AUROC and average precision in every replicate, for scores of any scale."""
    auroc, precision = [], []
    for tp, fp in ranked_counts(truth, score, weights, index):
        total_all, total_hem = tp[:, -1], fp[:, -1]
        step = np.diff(tp, axis=1)
        # A pair of equal scores counts half: the trapezoid under each step of the curve.
        pairs = np.sum(np.diff(fp, axis=1) * (tp[:, 1:] + tp[:, :-1]) / 2, axis=1)
        auroc.append(divide(pairs, total_all * total_hem))
        found = np.sum(step * tp[:, 1:] / np.maximum(tp[:, 1:] + fp[:, 1:], 1), axis=1)
        precision.append(np.where(total_hem > 0, divide(found, total_all), np.nan))
    return {"auroc": np.concatenate(auroc), "average_precision": np.concatenate(precision)}


def predicted_labels(
    truth: NDArray[np.bool_], call: NDArray[np.bool_], weights: Floats, index: NDArray[np.int64]
) -> dict[str, Floats]:
    """The metrics that need nothing but calls in every replicate."""
    persons = weights.shape[1]
    cells = [
        np.bincount(index, side, persons)
        for side in (truth & call, truth & ~call, ~truth & call, ~truth & ~call)
    ]
    tp, fn, fp, tn = (weights @ counts for counts in cells)
    of_person = divide(cells[0], cells[0] + cells[1]), divide(cells[3], cells[3] + cells[2])
    means = [
        divide(weights @ np.nan_to_num(share), weights @ ~np.isnan(share)) for share in of_person
    ]
    return threshold_metrics(tp, fn, fp, tn) | {
        "person_macro_balanced_accuracy": (means[0] + means[1]) / 2
    }


def _probabilities(
    truth: NDArray[np.bool_], score: Floats, weights: Floats, index: NDArray[np.int64]
) -> dict[str, Floats]:
    persons = weights.shape[1]
    total = weights @ np.bincount(index, minlength=persons)
    squared = np.bincount(index, (score - truth) ** 2, persons)
    losses = np.bincount(index, cell_losses(truth, score), persons)
    gap = np.bincount(index * BINS + bin_of(score), score - truth, persons * BINS).reshape(
        persons, BINS
    )
    return {
        "brier": divide(weights @ squared, total),
        "ece": divide(np.abs(weights @ gap).sum(axis=1), total),
        "nll": divide(weights @ losses, total),
    }
