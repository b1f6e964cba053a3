"""From a fitted model and out-of-fold scores to a model file, with the metrics on its card.

The last steps of `release` and `adapt`: everything is set on the out-of-fold scores of all persons,
and the metrics classify the persons of a fold by what was set on the other folds alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from leukoscope.core.files import atomic_path
from leukoscope.core.values import Cells, Estimate, MetricResult
from leukoscope.data.cohort import Cohort
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import ModelFile, write_card
from leukoscope.training.calibration.file_outputs import Inputs
from leukoscope.training.calibration.out_of_distribution import fit_by_person, sample
from leukoscope.training.calibration.package import TrainedModel, export, verify_parity
from leukoscope.training.calibration.subjects import add_subject_curve
from leukoscope.training.release.cross_validate import (
    OutOfFoldPredictions,
    OutOfFoldScores,
    apply_thresholds,
    calibrate_on,
)
from leukoscope.training.release.results import OutOfFoldResults, measure, rows_of_card


@dataclass(frozen=True)
class ReleasedModel:
    """A model fitted on all persons and its out-of-fold performance.

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


def publish_model(
    model: TrainedModel,
    card: Card,
    cohort: Cohort,
    scores: OutOfFoldScores,
    inputs: Inputs,
    path: Path,
    *,
    embed: Callable[[ModelFile, np.ndarray], np.ndarray],
    part: str,
    target_recall: float,
) -> ReleasedModel:
    """Export a model, verify the file, set its limits, measure them and publish the file.

    The file gets its name when it is complete: whatever stops this function earlier leaves `path`
    as it was.

    Args:
        model: Fitted on all cells.
        card: Not yet calibrated.
        cohort: The N cells, with label and person.
        scores: Of these cells, by the models of the folds.
        inputs: Inputs of the model file, one row per cell.
        path: The model file.
        embed: Gives embeddings (n, d) by the exported file of n rows of the cohort.
        part: The name, on the card, of the cells that metrics come from.
        target_recall: The wanted sensitivity for ALL at the operating point.

    Raises:
        ParityError: The file and the fitted model differ.
        FileError: The file cannot be written.
    """
    person, rows = cohort["person"], np.arange(len(cohort))
    with atomic_path(path) as temporary:
        exported = export(model, card, temporary)
        verify_parity(model, exported, inputs, rows, path)
        sampled = sample(person, rows)
        gaussian = fit_by_person(embed(exported, sampled), person[sampled])
        predictions = apply_thresholds(card, cohort, scores, gaussian, target_recall)
        results = measure(cohort, predictions)
        card = calibrate_on(card, cohort, scores, rows, gaussian, target_recall)
        card = replace(
            add_subject_curve(card, cohort, scores.logit),
            results=results_of_card(results.metrics, cohort, part),
            left_out=rows_of_card(cohort, results, scores.quality),
        )
        write_card(temporary, card)
    return ReleasedModel(path, card, cohort, predictions, results)


def results_of_card(
    metrics: dict[str, Estimate], cohort: Cohort, part: str
) -> dict[str, MetricResult]:
    """Metrics of a cohort as the card holds them, with the number of persons and cells."""
    cells = Cells(part, len(cohort.unique("person")), len(cohort))
    return {key: MetricResult.of(estimate, cells) for key, estimate in metrics.items()}
