"""Out-of-fold predictions; each fold's calibration and thresholds are set on the other folds.

A model is fitted for each fold of a cross-validation over persons and predicts the fold left out.
Temperature, operating point, abstention limits, image quality limits and distance limit for the
persons of a fold are set on the out-of-fold scores of all other folds, and verdicts follow the
rules of prediction. So nothing that is reported about a person was set on that person.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from leukoscope.core.statistics import sigmoid
from leukoscope.data.cohort import LABEL_NAMES, Cohort
from leukoscope.inference.evidence import gather
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.rejection.image_checks import quality_flags
from leukoscope.inference.rejection.mahalanobis import GaussianModel
from leukoscope.inference.verdict import conformal_thresholds, decide, threshold
from leukoscope.training.calibration.calibrate import calibrate
from leukoscope.training.calibration.out_of_distribution import (
    Quality,
    distances,
    fit_by_person,
    ranges_of,
    sample,
    set_limit,
)

log = logging.getLogger(__name__)

PART = "cross-validation"
"""The name, on the card, of the cells that metrics and limits of a release model come from."""


@dataclass(frozen=True)
class OutOfFoldScores:
    """Scores of N cells by the models of their folds, before any threshold.

    Attributes:
        fold: (N,) the fold of each cell.
        logit: (N,) uncalibrated.
        distance: (N,) from the cells that the fold's model was fitted on; None where the embeddings
            of these are all equal.
        quality: N measures of image quality; None for an unreadable file.
    """

    fold: np.ndarray
    logit: np.ndarray
    distance: np.ndarray | None
    quality: list[Quality | None]


@dataclass(frozen=True)
class OutOfFoldPredictions:
    """Predictions for N cells, with everything set on the other folds.

    Attributes:
        fold: (N,) the fold of each cell.
        logit: (N,) uncalibrated.
        p: (N,) calibrated probability of ALL.
        threshold: (N,) the operating point.
        covered: (N,) bool, true where the prediction set contains the cell's class.
        verdict: (N,) str, as prediction would give it.
    """

    fold: np.ndarray
    logit: np.ndarray
    p: np.ndarray
    threshold: np.ndarray
    covered: np.ndarray
    verdict: np.ndarray

    @property
    def predicted_all(self) -> np.ndarray:
        """(N,) bool, true where ALL is predicted at the operating point."""
        return np.asarray(self.p >= self.threshold)


class FoldModel(NamedTuple):
    """A model fitted without a fold: logits (n,) and embeddings (n, d) of n rows of the cohort."""

    logit: Callable[[np.ndarray], np.ndarray]
    embedding: Callable[[np.ndarray], np.ndarray]


def cross_val_predict(
    cohort: Cohort,
    fold: np.ndarray,
    quality: list[Quality | None],
    fit: Callable[[np.ndarray], FoldModel],
) -> OutOfFoldScores:
    """Fit a model without each fold, and score that fold with it.

    Args:
        cohort: N labeled cells with person.
        fold: (N,) from `grid_search.person_folds`.
        quality: N, from `measure_quality`.
        fit: Fits a model on rows of the cohort.
    """
    person, numbers = cohort["person"], range(int(fold.max()) + 1)
    logit, distance = np.full(len(cohort), np.nan), np.full(len(cohort), np.nan)
    for number in numbers:
        log.info("fold %d of %d", number + 1, len(numbers))
        others, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        model = fit(others)
        logit[held_out] = model.logit(held_out)
        sampled = sample(person, others)
        gaussian = fit_by_person(model.embedding(sampled), person[sampled])
        if gaussian is not None:
            distance[held_out] = distances(gaussian, model.embedding(held_out))
    return OutOfFoldScores(fold, logit, None if np.isnan(distance).any() else distance, quality)


def calibrate_on(
    card: Card,
    cohort: Cohort,
    scores: OutOfFoldScores,
    rows: np.ndarray,
    gaussian: GaussianModel | None,
    target_recall: float,
) -> Card:
    """The card with everything that is set on out-of-fold scores.

    Args:
        card: A card to complete.
        cohort: The N cells.
        scores: Of these cells.
        rows: The rows to set it on.
        gaussian: The model by which a file with this card measures distances.
        target_recall: The wanted sensitivity for ALL.
    """
    person = cohort["person"]
    card = calibrate(card, cohort.select(rows), scores.logit[rows], PART, target_recall)
    detector = None
    if gaussian is not None and scores.distance is not None:
        detector = set_limit(gaussian, scores.distance[rows], person[rows])
    ranges = ranges_of(scores.quality[row] for row in sample(person, rows))
    return replace(card, image_limits=ranges, out_of_distribution=detector)


def apply_thresholds(
    card: Card,
    cohort: Cohort,
    scores: OutOfFoldScores,
    gaussian: GaussianModel | None,
    target_recall: float,
) -> OutOfFoldPredictions:
    """Predict each fold with what `calibrate_on` sets on the others.

    Args:
        card: As for `calibrate_on`.
        cohort: The N cells.
        scores: Of these cells.
        gaussian: Any model: the cells come with their distances from the model of their fold.
        target_recall: The wanted sensitivity for ALL.
    """
    count, label = len(cohort), cohort["label"]
    p, thresholds = np.empty(count), np.empty(count)
    covered, verdict = np.zeros(count, bool), np.empty(count, dtype=object)
    for number in range(int(scores.fold.max()) + 1):
        others = np.flatnonzero(scores.fold != number)
        held_out = np.flatnonzero(scores.fold == number)
        fold_card = calibrate_on(card, cohort, scores, others, gaussian, target_recall)
        p[held_out] = sigmoid(scores.logit[held_out] / fold_card.temperature)
        thresholds[held_out] = threshold(fold_card)
        limits = conformal_thresholds(fold_card)
        assert limits is not None  # `calibrate` has set them
        for row in held_out.tolist():
            covered[row] = LABEL_NAMES[int(label[row])] in limits.classes(p[row])
            verdict[row] = _verdict(fold_card, scores, row, float(p[row]))
    return OutOfFoldPredictions(scores.fold, scores.logit, p, thresholds, covered, verdict)


def _verdict(card: Card, scores: OutOfFoldScores, row: int, p_all: float) -> str:
    quality, ranges = scores.quality[row], card.image_limits
    flags = quality_flags(quality, ranges) if quality and ranges else ()
    distance = None if scores.distance is None else float(scores.distance[row])
    return str(decide(gather(card, p_all=p_all, quality=flags, distance=distance), card).verdict)
