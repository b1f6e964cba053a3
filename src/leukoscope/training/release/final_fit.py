"""Fit the release model on all patients and report its out-of-fold performance.

A model that has seen all persons leaves none to evaluate it on, and with few healthy persons each
one held out costs performance. So a model is also fitted for each fold of a cross-validation over
persons, and predicts the persons it has not seen. Temperature, operating point and limits of the
release model are set on all these out-of-fold scores; the metrics on its card classify the persons
of a fold by what was set on the other folds alone.

Source: V. Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74,
2015. A limit's guarantee holds for the folds' models, and for the release model as far as it
predicts as they do.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from leukoscope.core.files import atomic_path
from leukoscope.core.values import Cells, MetricResult
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.splits.partition import Split
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import write_card
from leukoscope.models.recipe.recipe import EstimatorRecipe
from leukoscope.training.calibration.file_outputs import predict_embeddings
from leukoscope.training.calibration.out_of_distribution import (
    fit_by_person,
    measure_quality,
    sample,
)
from leukoscope.training.calibration.package import export, verify_parity
from leukoscope.training.calibration.subjects import add_subject_curve
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.estimators.inputs import file_inputs
from leukoscope.training.estimators.train import choose_and_fit, estimator_card, load_inputs
from leukoscope.training.release.cross_validate import (
    PART,
    OutOfFoldPredictions,
    apply_thresholds,
    calibrate_on,
    cross_val_predict,
)
from leukoscope.training.release.results import OutOfFoldResults, measure, rows_of_card


@dataclass(frozen=True)
class ReleasedModel:
    """A release model and its out-of-fold performance.

    Attributes:
        path: The model file.
        card: The card in the file.
        cohort: The N cells it was fitted on.
        predictions: Out-of-fold predictions for these cells.
        results: Metrics of these predictions.
    """

    path: Path
    card: Card
    cohort: Cohort
    predictions: OutOfFoldPredictions
    results: OutOfFoldResults


def fit_release_model(
    cohort: Cohort,
    recipe: EstimatorRecipe,
    path: Path,
    *,
    folds: int = 7,
    seed: int = 0,
    jobs: int = 2,
    target_recall: float = 0.95,
) -> ReleasedModel:
    """Fit a classical recipe on all labeled cells and write the model file.

    Args:
        cohort: Hashed cells with person.
        recipe: The settings.
        path: The model file.
        folds: Number of folds over persons; fewer where a class has fewer persons.
        seed: Random seed of the folds.
        jobs: Number of threads.
        target_recall: The wanted sensitivity for ALL at the operating point.

    Raises:
        TrainingError: A class has one person only.
        ParityError: The file and the fitted estimator differ.
    """
    cohort = cohort.select(np.flatnonzero(cohort["label"] != UNKNOWN))
    cohort = cohort.with_columns(part=np.full(len(cohort), "train", dtype=object))
    cohort, values = load_inputs(cohort, recipe, jobs)
    person, rows = cohort["person"], np.arange(len(cohort))
    fold, quality = person_folds(cohort, folds, seed), measure_quality(cohort.paths, jobs)
    scores = cross_val_predict(cohort, recipe, values, fold, quality, seed=seed, jobs=jobs)
    choice, fitted = choose_and_fit(recipe, cohort, values, seed, jobs)
    model, inputs = fitted.exportable(recipe.input.size), file_inputs(cohort, recipe, values)
    card = estimator_card(cohort, recipe, _everyone(cohort, seed), choice, fitted)
    with atomic_path(path) as temporary:
        exported = export(model, card, temporary)
        verify_parity(model, exported, inputs, rows, path)
        sampled = sample(person, rows)
        embedding = predict_embeddings(exported, inputs, sampled)
        gaussian = fit_by_person(embedding, person[sampled])
        predictions = apply_thresholds(card, cohort, scores, gaussian, target_recall)
        results = measure(cohort, predictions)
        cells = Cells(PART, len(cohort.unique("person")), len(cohort))
        card = calibrate_on(card, cohort, scores, rows, gaussian, target_recall)
        card = replace(
            add_subject_curve(card, cohort, scores.logit),
            results={key: MetricResult.of(e, cells) for key, e in results.metrics.items()},
            left_out=rows_of_card(cohort, results, quality),
        )
        write_card(temporary, card)
    return ReleasedModel(path, card, cohort, predictions, results)


def _everyone(cohort: Cohort, seed: int) -> Split:
    """The split in which every person is a training person."""
    return Split("everyone", seed, "person", dict.fromkeys(cohort.unique("person"), "train"), False)
