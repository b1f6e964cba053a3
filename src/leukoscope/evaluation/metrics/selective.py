"""Selective classification: the gain from abstention, and the coverage of the prediction sets.

Every person has the same weight throughout, as when the limits are set: a fraction is the
probability for a random cell of a random person.

Sources: Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017
(the risk-coverage curve); Y. Geifman, G. Uziel, R. El-Yaniv, "Bias-reduced uncertainty estimation
for deep neural classifiers", ICLR 2019 (the area under it, AURC).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.core.files import natural_key
from leukoscope.core.values import Abstention, Estimate
from leukoscope.core.verdicts import ANSWERS, Verdict
from leukoscope.evaluation.metrics.bootstrap import estimate_of_draws, why_no_interval
from leukoscope.evaluation.metrics.cells import BLOCK, Floats, divide, draw_person_weights
from leukoscope.evaluation.metrics.conformal import covers
from leukoscope.evaluation.metrics.metrics import SELECTIVE_METRICS

EPSILON = 1e-12


@dataclass(frozen=True)
class PersonSelection:
    """Verdicts for the cells of one person and label. `covered` is None without limits."""

    person: str
    label: str
    cells: int
    answered: int
    wrong: int
    """Answered cells whose verdict is not the label."""
    uncertain: int
    not_cells: int
    covered: int | None
    """Cells whose label is in their prediction set."""


@dataclass(frozen=True)
class Selection:
    """The answered cells, their errors, and the error without abstention."""

    limits: Abstention | None
    persons: tuple[PersonSelection, ...]
    """ALL before HEM, the lowest coverage or the highest error first."""
    covered: Mapping[str, Estimate]
    """Mean coverage over the persons with ALL and with HEM cells."""
    answered: Estimate
    uncertain: Estimate
    not_cells: Estimate
    error_answered: Estimate
    """Fraction of incorrect verdicts among the answered cells."""
    error_all: Estimate
    """Fraction of incorrect predictions if every cell is classified at the operating point."""
    aurc: Estimate
    """Area under the risk-coverage curve, as the least confident cells are left out first; leaving
    out cells at random gives `error_all`."""

    def metrics(self) -> dict[str, Estimate]:
        """The known ones of `SELECTIVE_METRICS`, by key."""
        by_class = {f"covered_{label.lower()}": mean for label, mean in self.covered.items()}
        known = {**vars(self), **by_class}
        return {m.key: known[m.key] for m in SELECTIVE_METRICS if m.key in known}


def measure_selection(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    verdict: ArrayLike,
    *,
    threshold: ArrayLike,
    limits: Abstention | None,
    replicates: int,
    seed: int,
    covered: ArrayLike | None = None,
) -> Selection:
    """Measure abstention.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        verdict: (N,) blast, normal, uncertain, not a cell or error.
        threshold: The operating point; (N,) if several models predicted the cells.
        limits: The model's conformal thresholds, if any.
        replicates: Number of bootstrap draws.
        seed: Seed of the draws.
        covered: (N,) whether the class of each cell is in its prediction set; by default computed
            from `limits`.
    """
    truth, score, verdicts = np.asarray(label) == 1, np.asarray(p, np.float64), np.asarray(verdict)
    persons = np.asarray(person, dtype=object).astype(str)
    answered = np.isin(verdicts, [str(verdict) for verdict in ANSWERS])
    wrong = answered & ((verdicts == Verdict.BLAST) != truth)
    misclassified = (score >= np.asarray(threshold)) != truth
    reason = why_no_interval(label, person)
    weights, index = draw_person_weights(label, persons, 0 if reason else replicates, seed)
    weights = np.vstack([np.ones(weights.shape[1]), weights])  # the first row: each person once
    cells = np.bincount(index)

    def fraction(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> Estimate:
        part, whole = (np.bincount(index, mask, len(cells)) for mask in (of & among, among))
        return _estimate(divide(weights @ (part / cells), weights @ (whole / cells)), reason)

    every = np.ones(len(truth), bool)
    in_set = None if covered is None else np.asarray(covered, bool)
    if in_set is None and limits is not None:
        in_set = covers(limits.thresholds, truth, score)
    return Selection(
        limits=limits,
        persons=_persons(truth, persons, answered, wrong, verdicts, in_set),
        covered={}
        if in_set is None
        else {"ALL": fraction(in_set, truth), "HEM": fraction(in_set, ~truth)},
        answered=fraction(answered, every),
        uncertain=fraction(verdicts == Verdict.UNCERTAIN, every),
        not_cells=fraction(verdicts == Verdict.NOT_A_CELL, every),
        error_answered=fraction(wrong, answered),
        error_all=fraction(misclassified, every),
        aurc=_estimate(
            _aurc(misclassified, confidence(score, threshold), weights / cells, index), reason
        ),
    )


def confidence(p: ArrayLike, threshold: ArrayLike) -> Floats:
    """The distance of each probability from the threshold, one or (N,), in logits."""
    return np.asarray(np.abs(_log_odds(p) - _log_odds(threshold)))


def _log_odds(p: ArrayLike) -> Floats:
    score = np.clip(np.asarray(p, np.float64), EPSILON, 1 - EPSILON)
    return np.asarray(np.log(score / (1 - score)))


def risk_coverage(
    wrong: ArrayLike, confidence: ArrayLike, weight: ArrayLike
) -> tuple[Floats, Floats]:
    """Error among the most confident cells against their fraction of all cells.

    Args:
        wrong: (N,) whether each prediction is incorrect.
        confidence: (N,); cells of equal confidence are left out together.
        weight: (N,) or (R, N) weight of each cell.

    Returns:
        Fraction answered and error among these, (K,) or (R, K) for the K distinct values of
        confidence, the most confident first; nan where no cell has weight yet.
    """
    values, weights = np.asarray(confidence, np.float64), np.asarray(weight, np.float64)
    order = np.argsort(-values, kind="stable")
    last = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    ranked = weights[..., order]
    kept = np.cumsum(ranked, axis=-1)[..., last]
    lost = np.cumsum(ranked * np.asarray(wrong)[order], axis=-1)[..., last]
    return kept / kept[..., -1:], np.asarray(divide(lost, kept))


def _aurc(
    wrong: NDArray[np.bool_], confidence: Floats, weights: Floats, index: NDArray[np.int64]
) -> Floats:
    """AURC for each row of weights (R, P) of persons, some rows at a time."""
    rows = max(1, BLOCK // max(1, len(wrong)))
    areas = []
    for start in range(0, len(weights), rows):
        drawn = weights[start : start + rows][:, index]
        fraction, error = risk_coverage(wrong, confidence, drawn)
        step = np.diff(fraction, axis=1, prepend=0)
        areas.append(np.sum(step * np.nan_to_num(error), axis=1))
    return np.concatenate(areas)


def _estimate(drawn: Floats, reason: str) -> Estimate:
    """An estimate from its value, the first entry, and the values in resampled cohorts."""
    value = float(drawn[0])
    return Estimate(value, reason=reason) if reason else estimate_of_draws(value, drawn[1:])


def _persons(
    truth: NDArray[np.bool_],
    person: NDArray[np.str_],
    answered: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    verdict: NDArray[np.object_],
    in_set: NDArray[np.bool_] | None,
) -> tuple[PersonSelection, ...]:
    rows = []
    for name in set(person.tolist()) - {""}:
        for value, label in ((True, "ALL"), (False, "HEM")):
            own = (person == name) & (truth == value)
            if own.any():
                rows.append(
                    PersonSelection(
                        name,
                        label,
                        int(own.sum()),
                        int(answered[own].sum()),
                        int(wrong[own].sum()),
                        int(np.sum(verdict[own] == Verdict.UNCERTAIN)),
                        int(np.sum(verdict[own] == Verdict.NOT_A_CELL)),
                        None if in_set is None else int(in_set[own].sum()),
                    )
                )
    return tuple(sorted(rows, key=_worst_first))


def _worst_first(row: PersonSelection) -> tuple[object, ...]:
    correct = row.cells - row.wrong if row.covered is None else row.covered
    return row.label, correct / row.cells, natural_key(row.person)
