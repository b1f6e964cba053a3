"""Fit and calibrate the model of subjects on persons that the network was not fitted on."""

import logging
from dataclasses import replace

import numpy as np

from leukoscope.data.cohort import Cohort
from leukoscope.evaluation.metrics.calibration import fit_temperature
from leukoscope.evaluation.person_curve import Person, cells_curve, group_persons, mean_log_odds
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.subject.model import (
    ClassEffects,
    Floats,
    SubjectModel,
    mixed_with_others,
)

log = logging.getLogger(__name__)

FEWEST_PERSONS = 3
"""Persons of a class without which no model of subjects is fitted."""
DRAWS = 20
"""Random choices of cells for each person and point of the curve."""
TAILS = (0.01, 0.99)
INFLATIONS = np.exp(np.linspace(0, 3, 61))


def fit_subjects(cohort: Cohort, logit: np.ndarray, part: str) -> SubjectModel | None:
    """Fit the model of subjects and calibrate it on persons left out.

    Persons with cells of both classes are no population of one class, and are left out.

    Args:
        cohort: N cells with label and person, of persons the predicting model was not fitted on.
        logit: (N,) uncalibrated.
        part: The name of these cells on the card.

    Returns:
        The model; None if a class has fewer than three persons.
    """
    persons = group_persons(cohort["label"], cohort["person"], logit)
    normal, leukemic = _counts(persons)
    if min(normal, leukemic) < FEWEST_PERSONS:
        log.info(
            "no model of subjects: %d persons with ALL and %d with HEM cells in %s, and each class "
            "needs %d",
            *(leukemic, normal, part, FEWEST_PERSONS),
        )
        return None
    return fit_persons(persons, part)


def fit_persons(persons: list[Person], part: str) -> SubjectModel:
    """Fit the model of subjects and calibrate it; at least three persons of each class.

    Args:
        persons: Label and logits of each person.
        part: The name of their cells on the card.
    """
    model = fit_effects(persons, part)
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
    persons = group_persons(cohort["label"], cohort["person"], logit)
    models = models_left_out(card.subjects, persons)
    curve = cells_curve(card.subjects, persons, models, draws=DRAWS)
    return replace(card, subjects=replace(card.subjects, curve=curve))


def models_left_out(model: SubjectModel, persons: list[Person]) -> list[SubjectModel]:
    """The model fitted without each person, with the calibration of the whole."""
    return [
        replace(
            fit_effects(persons[:i] + persons[i + 1 :], model.part),
            inflation=model.inflation,
            context_temperature=model.context_temperature,
        )
        for i in range(len(persons))
    ]


def _counts(persons: list[Person]) -> tuple[int, int]:
    leukemic = sum(label for label, _ in persons)
    return len(persons) - leukemic, leukemic


def fit_effects(persons: list[Person], part: str) -> SubjectModel:
    """Fit the effects of persons, without calibration; at least two persons of each class."""
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
                mean_log_odds(replace(model, inflation=inflation), z)
                for model, (_, z) in zip(models, persons, strict=True)
            ]
        )
        losses.append(float(weight @ np.logaddexp(0, np.where(label == 1, -odds, odds))))
    return float(INFLATIONS[int(np.argmin(losses))])
