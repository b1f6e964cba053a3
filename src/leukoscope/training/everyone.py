"""A model to ship: fitted on every person, with figures from persons its like had never seen.

A model that has seen all persons leaves none to measure it on, and with few healthy persons each
one kept back costs. So a model is fitted for each fold of a cross-validation over persons as well,
and answers for the persons it has not seen. Temperature, operating point and limits of the shipped
model come from all these answers; the figures on its card call the persons of a fold by what was
set on the others alone.

Source: V. Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74,
2015. What a limit promises holds for the folds' models, and for the shipped one as far as it
answers as they do.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.descriptors import VERSION
from leukoscope.data.partition import Split
from leukoscope.data.synthetic.notice import is_synthetic_cohort
from leukoscope.evaluation.bootstrap import Estimate, bootstrap_metrics
from leukoscope.evaluation.calibration import fit_temperature, sigmoid
from leukoscope.evaluation.metrics import METRICS
from leukoscope.evaluation.operating import choose_operating_point
from leukoscope.inference.card import Card, Descriptors, Measured
from leukoscope.inference.model_file import write_card
from leukoscope.models.recipe import Recipe
from leukoscope.training.calibrate import PARITY_CELLS, calibrated_by, limited, new_card
from leukoscope.training.choice import person_folds
from leukoscope.training.classical import PACKAGES, fitted_on, measured, settings_of
from leukoscope.training.estimator_export import export_estimator

PART = "cross-validation"
"""Where the figures and limits of such a model come from, as its card names it."""


@dataclass(frozen=True)
class Answers:
    """What the models of the folds said of the persons they had not seen, N cells.

    Attributes:
        fold: (N,) which model answered.
        logit: (N,) not calibrated.
        p: (N,) calibrated by a temperature from the other folds.
        called: (N,) bool, ALL by an operating point from the other folds.
    """

    fold: np.ndarray
    logit: np.ndarray
    p: np.ndarray
    called: np.ndarray


@dataclass(frozen=True)
class Shipped:
    """What came of it.

    Attributes:
        card: As it stands in the file.
        figures: Of the cross-validation, with intervals over persons.
        cohort: The N cells.
        answers: What the folds' models said of them.
    """

    card: Card
    figures: Mapping[str, Estimate]
    cohort: Cohort
    answers: Answers


def run_everyone(
    cohort: Cohort,
    recipe: Recipe,
    path: Path,
    *,
    folds: int = 7,
    seed: int = 0,
    jobs: int = 2,
    target_recall: float = 0.95,
) -> Shipped:
    """Fit a classical recipe on all labelled cells and write the model file.

    Args:
        cohort: Hashed cells with person.
        recipe: The settings; has `classical`.
        path: The model file.
        folds: Of the cross-validation, where each class has that many persons; fewer where not.
        seed: Of the folds.
        jobs: Threads.
        target_recall: For the operating point.

    Raises:
        TrainingError: A class has one person only.
        ParityError: The file answers otherwise than the fitted estimator.
    """
    cohort = cohort.select(np.flatnonzero(cohort["label"] != UNKNOWN))
    cohort = cohort.with_columns(part=np.full(len(cohort), "train", dtype=object))
    cohort, values = measured(cohort, recipe, jobs)
    fold = person_folds(cohort, folds, seed)
    answers = _answers(cohort, recipe, values, fold, seed, jobs, target_recall)
    choice, fitted = fitted_on(recipe, cohort, values, seed, jobs)
    split = Split(
        "everyone", seed, "person", dict.fromkeys(cohort.unique("person"), "train"), False
    )
    settings = settings_of(recipe)
    card = new_card(
        cohort.with_columns(part=np.full(len(cohort), "train", dtype=object)),
        recipe.with_settings({f"classical.{name}": one for name, one in choice.chosen.items()}),
        split,
        synthetic=is_synthetic_cohort(cohort),
        packages=PACKAGES,
        heatmap="none",
        descriptors=Descriptors(VERSION, settings.descriptors()),
    )
    some = values[:: max(1, len(values) // PARITY_CELLS)]
    export_estimator(fitted, card, path, some)
    card = calibrated_by(card, cohort, answers.logit, PART, target_recall)
    halves = np.where(fold == 0, "validation", "train").astype(object)
    card = limited(card, path, cohort.with_columns(part=halves), values)
    figures = _figures(cohort, answers)
    card = replace(card, results=_on_card(cohort, figures))
    write_card(path, card)
    return Shipped(card, figures, cohort, answers)


def _answers(
    cohort: Cohort,
    recipe: Recipe,
    values: np.ndarray,
    fold: np.ndarray,
    seed: int,
    jobs: int,
    target_recall: float,
) -> Answers:
    """Ask each fold's model, then call each fold by what the others set."""
    label, person = cohort["label"], cohort["person"]
    numbers = range(int(fold.max()) + 1)
    logit = np.full(len(cohort), np.nan)
    for number in numbers:
        print(f"fold {number + 1} of {len(numbers)}", file=sys.stderr)
        own, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        _, fitted = fitted_on(recipe, cohort.select(own), values[own], seed, jobs)
        logit[out] = fitted.logit(values[out])
    p, called = np.empty(len(cohort)), np.zeros(len(cohort), bool)
    for number in numbers:
        others, out = fold != number, fold == number
        temperature = fit_temperature(logit[others], label[others], person[others])
        p[out] = sigmoid(logit[out] / temperature)
        set_by = sigmoid(logit[others] / temperature)
        point = choose_operating_point(label[others], set_by, person[others], target_recall)
        called[out] = p[out] >= point.threshold
    return Answers(fold, logit, p, called)


def _figures(cohort: Cohort, answers: Answers) -> dict[str, Estimate]:
    """Every metric with its interval: rankings by probability, calls by operating point."""
    label, person = cohort["label"], cohort["person"]
    ranked = bootstrap_metrics(label, answers.p, person, threshold=0.5)
    calls = bootstrap_metrics(label, answers.called.astype(float), person, threshold=0.5)
    return {
        metric.key: (calls if metric.needs_threshold else ranked)[metric.key] for metric in METRICS
    }


def _on_card(cohort: Cohort, figures: Mapping[str, Estimate]) -> dict[str, Measured]:
    persons = len(cohort.unique("person"))

    def number(value: float | None) -> float | None:
        return None if value is None or np.isnan(value) else float(value)

    return {
        name: Measured(number(e.value), number(e.low), number(e.high), PART, persons, len(cohort))
        for name, e in figures.items()
    }
