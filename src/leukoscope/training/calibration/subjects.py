"""Fit and calibrate the model of subjects on persons that the network was not fitted on."""

import logging
from dataclasses import replace

import numpy as np

from leukoscope.core.verdicts import SubjectVerdict
from leukoscope.data.cohort import Cohort
from leukoscope.evaluation.metrics.calibration import fit_temperature
from leukoscope.evaluation.metrics.persons import person_auroc
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.subject.answer import answer_subject
from leukoscope.inference.subject.model import (
    ClassEffects,
    CurvePoint,
    Floats,
    SubjectModel,
    log_odds,
    mixed_with_others,
)

log = logging.getLogger(__name__)

FEWEST_PERSONS = 3
"""Persons of a class without which no model of subjects is fitted."""
CURVE_CELLS = (1, 2, 5, 10, 20, 50)
DRAWS = 20
"""Random choices of cells for each person and point of the curve."""
TAILS = (0.01, 0.99)
INFLATIONS = np.exp(np.linspace(0, 3, 61))

Person = tuple[int, Floats]
"""Label and logits of one person."""


def fit_subjects(
    cohort: Cohort, logit: np.ndarray, part: str, *, usable: np.ndarray | None = None
) -> SubjectModel | None:
    """Fit the model of subjects and calibrate it on persons left out.

    Persons with cells of both classes are no population of one class, and are left out.

    Args:
        cohort: N cells with label and person, of persons the predicting model was not fitted on.
        logit: (N,) uncalibrated.
        part: The name of these cells on the card.
        usable: (N,) bool, false for cells that are rejected; by default all are usable.

    Returns:
        The model; None if a class has fewer than three persons.
    """
    persons = group_persons(cohort, logit, usable)
    normal, leukemic = _counts(persons)
    if min(normal, leukemic) < FEWEST_PERSONS:
        log.info(
            "no model of subjects: %d persons with ALL and %d with HEM cells in %s, and each class "
            "needs %d",
            *(leukemic, normal, part, FEWEST_PERSONS),
        )
        return None
    model = _fit(persons, part)
    left_out = models_left_out(model, persons)
    mixed = np.concatenate([mixed_with_others(z) for _, z in persons])
    owner = np.concatenate([np.full(len(z), str(i)) for i, (_, z) in enumerate(persons)])
    label = np.concatenate([np.full(len(z), y) for y, z in persons])
    return replace(
        model,
        inflation=_inflation(left_out, persons),
        context_temperature=fit_temperature(mixed, label, owner),
    )


def add_subject_curve(card: Card, cohort: Cohort, logit: np.ndarray) -> Card:
    """Add to the card's subject model the performance against the number of cells.

    Args:
        card: A card; without a subject model it stays as it is.
        cohort: The N cells that the subject model was fitted on.
        logit: (N,) uncalibrated.
    """
    if card.subjects is None:
        return card
    curve = cells_curve(card.subjects, group_persons(cohort, logit))
    return replace(card, subjects=replace(card.subjects, curve=curve))


def group_persons(
    cohort: Cohort, logit: np.ndarray, usable: np.ndarray | None = None
) -> list[Person]:
    """Label and usable logits of each known person with cells of one class."""
    label, who = cohort["label"], cohort["person"]
    keep = np.isfinite(logit) if usable is None else np.isfinite(logit) & usable
    found = []
    for name in sorted(set(who.tolist()) - {""}):
        own = (who == name) & keep
        classes = set(label[own].tolist())
        if len(classes) == 1:
            found.append((int(classes.pop()), np.asarray(logit[own], np.float64)))
    return found


def models_left_out(model: SubjectModel, persons: list[Person]) -> list[SubjectModel]:
    """The model fitted without each person, with the calibration of the whole."""
    return [
        replace(
            _fit(persons[:i] + persons[i + 1 :], model.part),
            inflation=model.inflation,
            context_temperature=model.context_temperature,
        )
        for i in range(len(persons))
    ]


def cells_curve(
    model: SubjectModel, persons: list[Person], *, seed: int = 0
) -> tuple[CurvePoint, ...]:
    """Performance for persons left out against the number of random cells used.

    Sensitivity, specificity and verdicts are those of models fitted without the person. AUROC ranks
    by the one model: at a given number of cells that is the order of the mean logits, in which
    nothing is fitted.

    Args:
        model: Fitted on these persons.
        persons: Label and logits of each person; both classes occur.
        seed: Seed of the random choices.
    """
    rng, points, models = np.random.default_rng(seed), [], models_left_out(model, persons)
    label = np.array([y for y, _ in persons])
    for cells in CURVE_CELLS:
        rows = []
        for _ in range(DRAWS):
            drawn = [z[rng.permutation(len(z))[:cells]] for _, z in persons]
            score = [_log_odds(model, z) for z in drawn]
            answers = [answer_subject(one, z) for one, z in zip(models, drawn, strict=True)]
            p = np.array([answer.probability for answer in answers], np.float64)
            given = np.array([answer.verdict != SubjectVerdict.UNCERTAIN for answer in answers])
            wrong = given & ((p >= 0.5) != (label == 1))
            found, kept = np.mean(p[label == 1] >= 0.5), np.mean(p[label == 0] < 0.5)
            rows.append((person_auroc(label, score), found, kept, given.mean(), wrong.mean()))
        points.append(CurvePoint(cells, *np.mean(rows, axis=0).round(4).tolist()))
    return tuple(points)


def _counts(persons: list[Person]) -> tuple[int, int]:
    leukemic = sum(label for label, _ in persons)
    return len(persons) - leukemic, leukemic


def _fit(persons: list[Person], part: str) -> SubjectModel:
    values = np.concatenate([z for _, z in persons])
    weight = np.concatenate([np.full(len(z), 1 / len(z)) for _, z in persons])
    low, high = np.quantile(values, TAILS, weights=weight, method="inverted_cdf").tolist()
    high = max(high, low + 1e-6)
    effects = [
        _effects([np.clip(z, low, high) for y, z in persons if y == label], (high - low) / 100)
        for label in (0, 1)
    ]
    return SubjectModel(effects[0], effects[1], low, high, 1.0, 1.0, part)


def _effects(persons: list[Floats], least: float) -> ClassEffects:
    """Variance components of one class by the method of moments; each at least `least` wide."""
    means = np.array([z.mean() for z in persons])
    scatters = [max(float(z.std(ddof=1)), least) for z in persons if len(z) >= 5]
    logs = np.log(scatters) if scatters else np.log([least])
    scatter = float(np.exp(logs.mean()))
    of_means = float(np.mean([scatter**2 / len(z) for z in persons]))
    between = float(means.var(ddof=1)) - of_means
    return ClassEffects(
        float(means.mean()),
        float(np.sqrt(max(between, least**2))),
        scatter,
        float(logs.std(ddof=1)) if len(logs) > 1 else 0.0,
        len(persons),
    )


def _inflation(models: list[SubjectModel], persons: list[Person]) -> float:
    """The inflation with the smallest log loss over persons left out, classes weighted equally."""
    label = np.array([y for y, _ in persons])
    weight = np.where(label == 1, 1 / max(1, label.sum()), 1 / max(1, (1 - label).sum()))
    losses = []
    for inflation in INFLATIONS.tolist():
        odds = np.array(
            [
                _log_odds(replace(model, inflation=inflation), z)
                for model, (_, z) in zip(models, persons, strict=True)
            ]
        )
        losses.append(float(weight @ np.logaddexp(0, np.where(label == 1, -odds, odds))))
    return float(INFLATIONS[int(np.argmin(losses))])


def _log_odds(model: SubjectModel, logits: Floats) -> float:
    return log_odds(model, float(model.clip(logits).mean()), len(logits)).value
