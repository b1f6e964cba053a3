"""Fit the release model on all persons and report its out-of-fold performance.

A model that has seen all persons leaves none to evaluate it on, and with few healthy persons each
one held out costs performance. So a model is also fitted for each fold of a cross-validation over
persons, and predicts the persons it has not seen. Temperature, operating point and limits of the
release model are set on all these out-of-fold scores; the metrics on its card classify the persons
of a fold by what was set on the other folds alone.

Source: V. Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74,
2015. A limit's guarantee holds for the folds' models, and for the release model as far as it
predicts as they do.
"""

from pathlib import Path

import numpy as np

from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.splits.partition import Split
from leukoscope.models.recipe.recipe import EstimatorRecipe
from leukoscope.training.calibration.file_outputs import predict_embeddings
from leukoscope.training.calibration.out_of_distribution import measure_quality
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.estimators.inputs import file_inputs
from leukoscope.training.estimators.train import choose_and_fit, estimator_card, load_inputs
from leukoscope.training.release.cross_validate import PART, FoldModel, cross_val_predict
from leukoscope.training.release.publish import ReleasedModel, publish_model


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
    fold, quality = person_folds(cohort, folds, seed), measure_quality(cohort.paths, jobs)

    def fit(rows: np.ndarray) -> FoldModel:
        _, fitted = choose_and_fit(recipe, cohort.select(rows), values[rows], seed, jobs)
        return FoldModel(
            lambda these: fitted.logit(values[these]), lambda these: fitted.embedding(values[these])
        )

    scores = cross_val_predict(cohort, fold, quality, fit)
    choice, fitted = choose_and_fit(recipe, cohort, values, seed, jobs)
    inputs = file_inputs(cohort, recipe, values)
    return publish_model(
        fitted.exportable(recipe.input.size),
        estimator_card(cohort, recipe, _everyone(cohort, seed), choice, fitted),
        cohort,
        scores,
        inputs,
        path,
        embed=lambda exported, rows: predict_embeddings(exported, inputs, rows),
        part=PART,
        target_recall=target_recall,
    )


def _everyone(cohort: Cohort, seed: int) -> Split:
    """The split in which every person is a training person."""
    return Split("everyone", seed, "person", dict.fromkeys(cohort.unique("person"), "train"), False)
