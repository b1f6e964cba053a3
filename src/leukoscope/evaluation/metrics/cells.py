"""Scored cells, and the same cells in many resampled cohorts: what every metric is computed from.

A replicate of the person bootstrap is nothing but a whole number per person: how often that person
was drawn. So every metric becomes a weighted one, and no cell is copied. Metrics that are ratios of
sums over cells need only the sums of each person: a matrix product of weights (R, P) and sums
(P, K). AUROC, average precision and the curves need the cumulative weights along the cells sorted
by score. R replicates, P persons, N cells throughout.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.core.seeds import generator

Floats = NDArray[np.float64]
Counts = tuple[Floats, Floats, Floats, Floats]
"""True positives, false negatives, false positives, true negatives; ALL is positive."""

# Cells times replicates held at once: 2 million float64 are 16 MB, which stays near the processor's
# cache.
BLOCK = 2_000_000


@dataclass(frozen=True)
class ScoredCells:
    """N labeled cells with their scores and predictions.

    Attributes:
        is_all: (N,) bool, whether the label is ALL.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell, "" where unknown.
        predicted_all: (N,) bool, whether ALL is predicted.
    """

    is_all: NDArray[np.bool_]
    p: Floats
    person: NDArray[np.object_]
    predicted_all: NDArray[np.bool_]

    @classmethod
    def of(
        cls, label: ArrayLike, p: ArrayLike, person: ArrayLike, threshold: ArrayLike
    ) -> "ScoredCells":
        """Predict ALL for `p >= threshold`.

        Args:
            label: (N,) 1 = ALL, 0 = HEM.
            p: (N,) calibrated probability of ALL.
            person: (N,) person of each cell.
            threshold: One for all cells, or (N,).
        """
        score = np.asarray(p, np.float64)
        predicted = np.asarray(score >= np.asarray(threshold))
        return cls(np.asarray(label) == 1, score, np.asarray(person, dtype=object), predicted)

    def __len__(self) -> int:
        """The number of cells."""
        return len(self.p)

    @property
    def has_both(self) -> bool:
        """True if cells of both classes are present."""
        return bool(0 < self.is_all.sum() < len(self))

    @property
    def outcomes(self) -> tuple[NDArray[np.bool_], ...]:
        """Four (N,) masks in the order of `Counts`."""
        truth, call = self.is_all, self.predicted_all
        return truth & call, truth & ~call, ~truth & call, ~truth & ~call

    @property
    def counts(self) -> Counts:
        """The confusion matrix."""
        tp, fn, fp, tn = (np.asarray(np.sum(mask), np.float64) for mask in self.outcomes)
        return tp, fn, fp, tn


@dataclass(frozen=True)
class Replicates:
    """Cells in R resampled cohorts.

    Attributes:
        cells: The cells of the cohort itself.
        weights: (R, P) how often each person was drawn. They need not be whole numbers, as in the
            Bayesian bootstrap, except for `cohorts`.
        index: (N,) person of each cell, 0 to P - 1.
    """

    cells: ScoredCells
    weights: Floats
    index: NDArray[np.int64]

    @cached_property
    def person_counts(self) -> Counts:
        """The confusion matrix of each person, four arrays (P,)."""
        persons = self.weights.shape[1]
        tp, fn, fp, tn = (
            np.asarray(np.bincount(self.index, mask, persons), np.float64)
            for mask in self.cells.outcomes
        )
        return tp, fn, fp, tn

    @cached_property
    def counts(self) -> Counts:
        """The confusion matrix of each replicate, four arrays (R,)."""
        tp, fn, fp, tn = (self.weights @ counts for counts in self.person_counts)
        return tp, fn, fp, tn

    @cached_property
    def size(self) -> Floats:
        """The number of cells in each replicate, (R,)."""
        return self.sums(np.ones(len(self.cells)))

    def sums(self, values: ArrayLike) -> Floats:
        """The sum of (N,) values in each replicate, (R,)."""
        persons = self.weights.shape[1]
        return np.asarray(self.weights @ np.bincount(self.index, values, persons))

    @cached_property
    def ranking(self) -> tuple[Floats, Floats]:
        """AUROC and average precision of each replicate, two arrays (R,)."""
        return ranking(self.cells.is_all, self.cells.p, self.weights, self.index)

    def cohorts(self) -> Iterator[ScoredCells]:
        """Each replicate with its cells copied out; every draw of a person is another person."""
        for drawn in self.weights[:, self.index].astype(np.int64):
            rows = np.repeat(np.arange(len(drawn)), drawn)
            copy = np.arange(len(rows)) - np.repeat(np.cumsum(drawn) - drawn, drawn)
            names = [f"{k}.{n}" for k, n in zip(self.index[rows], copy, strict=True)]
            yield ScoredCells(
                self.cells.is_all[rows],
                self.cells.p[rows],
                np.array(names, dtype=object),
                self.cells.predicted_all[rows],
            )


def draw_person_weights(
    label: ArrayLike, person: ArrayLike, replicates: int, seed: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Draw persons with replacement, stratified by label: how often each is in each replicate.

    Persons with only ALL cells, with only HEM cells and with both are separate strata, so that
    every replicate has as many of each as the cohort, and both classes.

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
    random = generator(seed)
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


def ranking(
    truth: NDArray[np.bool_], score: Floats, weights: Floats, index: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """AUROC and average precision of each replicate, two arrays (R,), for scores of any scale.

    Args:
        truth: (N,) whether the label is ALL.
        score: (N,), higher for ALL.
        weights: (R, P) weight of each person.
        index: (N,) person of each cell, 0 to P - 1.
    """
    auroc, precision = [], []
    for tp, fp in ranked_counts(truth, score, weights, index):
        total_all, total_hem = tp[:, -1], fp[:, -1]
        step = np.diff(tp, axis=1)
        # A pair of equal scores counts half: the trapezoid under each step of the curve.
        pairs = np.sum(np.diff(fp, axis=1) * (tp[:, 1:] + tp[:, :-1]) / 2, axis=1)
        auroc.append(divide(pairs, total_all * total_hem))
        found = np.sum(step * tp[:, 1:] / np.maximum(tp[:, 1:] + fp[:, 1:], 1), axis=1)
        precision.append(np.where(total_hem > 0, divide(found, total_all), np.nan))
    return np.concatenate(auroc), np.concatenate(precision)


def divide(part: ArrayLike, whole: ArrayLike) -> Floats:
    """`part / whole`, elementwise, nan where `whole` is 0."""
    top, bottom = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    out = np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out
