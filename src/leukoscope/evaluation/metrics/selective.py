"""What is gained by not answering for some cells, and whether the sets of classes keep their word.

Persons weigh the same throughout, as they do where the limits are set: a share is that of a cell
drawn from a person drawn at random.

Sources: Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017
(the curve of risk against coverage); Y. Geifman, G. Uziel, R. El-Yaniv, "Bias-reduced uncertainty
estimation for deep neural classifiers", ICLR 2019 (the area under it, AURC).
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
class PersonAnswers:
    """What became of the cells of one person and label. `covered` is None without limits."""

    person: str
    label: str
    cells: int
    answered: int
    wrong: int
    """Answered cells whose verdict is not the label."""
    uncertain: int
    not_cells: int
    covered: int | None
    """Cells whose label is among the classes that their probability leaves possible."""


@dataclass(frozen=True)
class Selection:
    """What was answered, how rightly, and what it would have been to answer for all."""

    limits: Abstention | None
    persons: tuple[PersonAnswers, ...]
    """ALL before HEM, the least covered or most often wrong first."""
    covered: Mapping[str, Estimate]
    """Mean share of cells whose label is possible, over the persons with ALL and with HEM."""
    answered: Estimate
    uncertain: Estimate
    not_cells: Estimate
    error_answered: Estimate
    """Share of wrong verdicts among the answered cells."""
    error_all: Estimate
    """Share of wrong calls if every cell were called at the operating point."""
    aurc: Estimate
    """Area under the curve of error against share answered, as the least sure cells are left out
    first; `error_all` is what leaving out cells at random would give."""

    def metrics(self) -> dict[str, Estimate]:
        """Those of `SELECTIVE_METRICS` that are known, by key."""
        by_class = {f"covered_{name.lower()}": one for name, one in self.covered.items()}
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
    """Measure what was answered.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        verdict: (N,) what was said: blast, normal, uncertain, not a cell.
        threshold: The operating point, or (N,) that of each cell, where several models answered.
        limits: Of the model, where it has any.
        replicates: Draws of the person bootstrap.
        seed: Its seed.
        covered: (N,) whether each cell's class was left possible; as `limits` say if not given.
    """
    truth, score, said = np.asarray(label) == 1, np.asarray(p, np.float64), np.asarray(verdict)
    who = np.asarray(person, dtype=object).astype(str)
    answered = np.isin(said, [str(verdict) for verdict in ANSWERS])
    wrong = answered & ((said == Verdict.BLAST) != truth)
    miscalled = (score >= np.asarray(threshold)) != truth
    reason = why_no_interval(label, person)
    weights, index = draw_person_weights(label, who, 0 if reason else replicates, seed)
    weights = np.vstack([np.ones(weights.shape[1]), weights])  # the first row: each person once
    cells = np.bincount(index)

    def share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> Estimate:
        part, whole = (np.bincount(index, some, len(cells)) for some in (of & among, among))
        return _estimate(divide(weights @ (part / cells), weights @ (whole / cells)), reason)

    every = np.ones(len(truth), bool)
    possible = None if covered is None else np.asarray(covered, bool)
    if possible is None and limits is not None:
        possible = covers(limits.thresholds, truth, score)
    return Selection(
        limits=limits,
        persons=_persons(truth, who, answered, wrong, said, possible),
        covered={}
        if possible is None
        else {"ALL": share(possible, truth), "HEM": share(possible, ~truth)},
        answered=share(answered, every),
        uncertain=share(said == Verdict.UNCERTAIN, every),
        not_cells=share(said == Verdict.NOT_A_CELL, every),
        error_answered=share(wrong, answered),
        error_all=share(miscalled, every),
        aurc=_estimate(
            _areas(miscalled, confidence(score, threshold), weights / cells, index), reason
        ),
    )


def confidence(p: ArrayLike, threshold: ArrayLike) -> Floats:
    """How far a probability lies from the threshold, or each from its own, in logits."""
    return np.asarray(np.abs(_log_odds(p) - _log_odds(threshold)))


def _log_odds(p: ArrayLike) -> Floats:
    score = np.clip(np.asarray(p, np.float64), EPSILON, 1 - EPSILON)
    return np.asarray(np.log(score / (1 - score)))


def risk_coverage(
    wrong: ArrayLike, sureness: ArrayLike, weight: ArrayLike
) -> tuple[Floats, Floats]:
    """Error among the surest cells against the share of them.

    Args:
        wrong: (N,) whether each call is wrong.
        sureness: (N,); equal ones are left out together.
        weight: (N,) or (R, N), what each cell counts.

    Returns:
        Share answered and error among these, (K,) or (R, K) for the K distinct values of sureness,
        the surest first; nan where no cell counts yet.
    """
    sure, counts = np.asarray(sureness, np.float64), np.asarray(weight, np.float64)
    order = np.argsort(-sure, kind="stable")
    last = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))
    ranked = counts[..., order]
    kept = np.cumsum(ranked, axis=-1)[..., last]
    lost = np.cumsum(ranked * np.asarray(wrong)[order], axis=-1)[..., last]
    return kept / kept[..., -1:], np.asarray(divide(lost, kept))


def _areas(
    wrong: NDArray[np.bool_], sureness: Floats, weights: Floats, index: NDArray[np.int64]
) -> Floats:
    """AURC for each row of weights (R, P) of persons, some rows at a time."""
    rows = max(1, BLOCK // max(1, len(wrong)))
    found = []
    for start in range(0, len(weights), rows):
        share, error = risk_coverage(wrong, sureness, weights[start : start + rows][:, index])
        step = np.diff(share, axis=1, prepend=0)
        found.append(np.sum(step * np.nan_to_num(error), axis=1))
    return np.concatenate(found)


def _estimate(drawn: Floats, reason: str) -> Estimate:
    """A figure from itself, the first of the values, and those of resampled cohorts."""
    value = float(drawn[0])
    return Estimate(value, reason=reason) if reason else estimate_of_draws(value, drawn[1:])


def _persons(
    truth: NDArray[np.bool_],
    who: NDArray[np.str_],
    answered: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    said: NDArray[np.object_],
    possible: NDArray[np.bool_] | None,
) -> tuple[PersonAnswers, ...]:
    rows = []
    for name in set(who.tolist()) - {""}:
        for value, title in ((True, "ALL"), (False, "HEM")):
            own = (who == name) & (truth == value)
            if own.any():
                rows.append(
                    PersonAnswers(
                        name,
                        title,
                        int(own.sum()),
                        int(answered[own].sum()),
                        int(wrong[own].sum()),
                        int(np.sum(said[own] == Verdict.UNCERTAIN)),
                        int(np.sum(said[own] == Verdict.NOT_A_CELL)),
                        None if possible is None else int(possible[own].sum()),
                    )
                )
    return tuple(sorted(rows, key=_worst_first))


def _worst_first(row: PersonAnswers) -> tuple[object, ...]:
    right = row.cells - row.wrong if row.covered is None else row.covered
    return row.label, right / row.cells, natural_key(row.person)
