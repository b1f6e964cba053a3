"""Answers for persons, with persons as units; and cells in the context of their person."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from leukoscope.core.files import natural_key
from leukoscope.core.statistics import sigmoid
from leukoscope.core.values import Estimate
from leukoscope.core.verdicts import FROM_PROBABILITY, SubjectVerdict
from leukoscope.evaluation.metrics.bootstrap import bootstrap_metrics
from leukoscope.evaluation.metrics.persons import clopper_pearson
from leukoscope.evaluation.person_curve import cells_curve, group_persons
from leukoscope.evaluation.table import CellTable
from leukoscope.inference.subject.answer import SubjectAnswer, answer_subject
from leukoscope.inference.subject.copies import counted_once
from leukoscope.inference.subject.model import CurvePoint, SubjectModel, in_context

DRAWS = 10
IN_CONTEXT_METRICS = (
    "auroc",
    "f1_weighted",
    "balanced_accuracy",
    "person_macro_balanced_accuracy",
    "brier",
)


@dataclass(frozen=True)
class PersonAnswer:
    """The answer for one person whose cells have one label."""

    person: str
    label: str
    answer: SubjectAnswer

    @property
    def correct(self) -> bool:
        """True if the probability is on the side of the label."""
        return (
            (self.answer.probability or 0.0) >= 0.5
            if self.label == "ALL"
            else (self.answer.probability is not None and self.answer.probability < 0.5)
        )


@dataclass(frozen=True)
class PersonAnswers:
    """Performance with persons as units.

    Attributes:
        rows: ALL before HEM, the least probable label first.
        left_out: Persons without an answer to check: with cells of both labels, or no usable cell.
        sensitivity: Fraction of persons with ALL at a probability of at least 0.5; interval by
            Clopper and Pearson, as of all fractions.
        specificity: Fraction of persons with HEM below 0.5.
        answered: Fraction of persons with a verdict other than uncertain.
        wrong: Fraction of persons with the verdict of the other class.
        auroc: AUROC of the probabilities; interval by bootstrap over persons.
        brier: Mean squared error of the probabilities; interval by bootstrap over persons.
        curve: Performance against the number of random cells; empty without both classes.
        in_context: Metrics of cells by `p_all_in_context`, at 0.5.
    """

    rows: tuple[PersonAnswer, ...]
    left_out: int
    sensitivity: Estimate
    specificity: Estimate
    answered: Estimate
    wrong: Estimate
    auroc: Estimate
    brier: Estimate
    curve: tuple[CurvePoint, ...]
    in_context: Mapping[str, Estimate]


def measure_persons(
    table: CellTable, model: SubjectModel | None, *, replicates: int, seed: int
) -> PersonAnswers | None:
    """Answer for each person of a table and measure the answers; copies of an image count once.

    Args:
        table: The cells.
        model: From the card.
        replicates: Number of bootstrap draws.
        seed: Seed of the draws.

    Returns:
        The results; None without a model, logits, or a person to answer for.
    """
    if model is None or table.logit is None:
        return None
    usable = np.isfinite(table.logit)
    if table.verdict is not None:
        usable &= np.isin(table.verdict, [str(verdict) for verdict in FROM_PROBABILITY])
    copies: Counter[str] = Counter()
    if table.pixel_sha256 is not None:
        used = np.flatnonzero(usable)
        again = used[~counted_once(table.person[used], table.pixel_sha256[used])]
        copies.update(table.person[again].tolist())
        usable[again] = False
    label, who = table.label[usable], table.person[usable]
    logit, everyone = np.asarray(table.logit)[usable], set(table.person.tolist()) - {""}
    rows = []
    for name in sorted(set(who.tolist()) - {""}, key=natural_key):
        own = who == name
        if len(set(label[own].tolist())) == 1:
            kind = "ALL" if label[own][0] == 1 else "HEM"
            answer = replace(answer_subject(model, logit[own]), copies=copies[name])
            rows.append(PersonAnswer(name, kind, answer))
    if not rows:
        return None
    rows.sort(key=lambda row: (row.label, _probability_of_label(row)))
    truth = np.array([row.label == "ALL" for row in rows])
    p = np.array([row.answer.probability for row in rows], np.float64)
    right = np.array([row.correct for row in rows])
    given = np.array([row.answer.verdict != SubjectVerdict.UNCERTAIN for row in rows])
    draws = {"replicates": replicates, "seed": seed}
    measured = bootstrap_metrics(
        truth.astype(int), p, [row.person for row in rows], threshold=0.5, **draws
    )
    both = bool(0 < truth.sum() < len(truth))
    return PersonAnswers(
        rows=tuple(rows),
        left_out=len(everyone) - len(rows),
        sensitivity=_fraction(right[truth]),
        specificity=_fraction(right[~truth]),
        answered=_fraction(given),
        wrong=_fraction(given & ~right),
        auroc=measured["auroc"],
        brier=measured["brier"],
        curve=cells_curve(model, group_persons(label, who, logit), draws=DRAWS) if both else (),
        in_context=_in_context(model, label, who, logit, draws),
    )


def _probability_of_label(row: PersonAnswer) -> float:
    p = row.answer.probability or 0.0
    return p if row.label == "ALL" else 1 - p


def _fraction(mask: np.ndarray) -> Estimate:
    if not len(mask):
        return Estimate(float("nan"), reason="no such person")
    return Estimate(float(mask.mean()), *clopper_pearson(int(mask.sum()), len(mask)))


def _in_context(
    model: SubjectModel,
    label: np.ndarray,
    who: np.ndarray,
    logit: np.ndarray,
    draws: Mapping[str, int],
) -> dict[str, Estimate]:
    """Metrics of the cells of known persons, each in the context of the others of its person."""
    p = np.full(len(logit), np.nan)
    for name in set(who.tolist()) - {""}:
        p[who == name] = sigmoid(in_context(model, logit[who == name]))
    known = ~np.isnan(p)
    measured = bootstrap_metrics(label[known], p[known], who[known], threshold=0.5, **draws)
    return {key: measured[key] for key in IN_CONTEXT_METRICS}
