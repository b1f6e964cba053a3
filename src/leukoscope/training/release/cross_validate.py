"""What models of the same recipe say of persons they have not seen, by limits set on others.

A model is fitted for each fold of a cross-validation over persons and asked about the fold left
out. Temperature, operating point, limits of abstention, known looks and known distance of a fold's
persons are set on the answers for all other folds, and verdicts are given by the rules of
prediction. So nothing that is reported of a person was set on that person.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np

from leukoscope.data.cohort import LABEL_NAMES, Cohort
from leukoscope.evaluation.metrics.calibration import sigmoid
from leukoscope.inference.evidence import gather
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.rejection.image_checks import quality_flags
from leukoscope.inference.rejection.mahalanobis import GaussianModel
from leukoscope.inference.verdict import conformal_thresholds, decide, threshold
from leukoscope.models.recipe.recipe import EstimatorRecipe
from leukoscope.training.calibration.calibrate import calibrate
from leukoscope.training.calibration.out_of_distribution import (
    Quality,
    distances,
    fit_by_person,
    ranges_of,
    sample,
    set_limit,
)
from leukoscope.training.estimators.train import fitted_on

log = logging.getLogger(__name__)

PART = "cross-validation"
"""Where the figures and limits of such a model come from, as its card names it."""


@dataclass(frozen=True)
class OutOfFoldScores:
    """What the folds' models gave for N cells, before anything is set.

    Attributes:
        fold: (N,) which model answered.
        logit: (N,) not calibrated.
        far: (N,) the distance from the cells the model was fitted on; None where these do not
            differ.
        seen: N, how the image files look.
    """

    fold: np.ndarray
    logit: np.ndarray
    far: np.ndarray | None
    seen: list[Quality | None]


@dataclass(frozen=True)
class OutOfFoldPredictions:
    """The same N cells, each judged by what was set on the other folds.

    Attributes:
        fold: (N,) which model answered.
        logit: (N,) not calibrated.
        p: (N,) calibrated.
        threshold: (N,) the operating point.
        covered: (N,) bool, whether the cell's class is among the possible ones.
        verdict: (N,) str, as prediction would give it.
    """

    fold: np.ndarray
    logit: np.ndarray
    p: np.ndarray
    threshold: np.ndarray
    covered: np.ndarray
    verdict: np.ndarray

    @property
    def called(self) -> np.ndarray:
        """(N,) bool, ALL at the operating point."""
        return np.asarray(self.p >= self.threshold)


def cross_val_predict(
    cohort: Cohort,
    recipe: EstimatorRecipe,
    values: np.ndarray,
    fold: np.ndarray,
    seen: list[Quality | None],
    *,
    seed: int,
    jobs: int,
) -> OutOfFoldScores:
    """Fit a model without each fold and ask it about that fold.

    Args:
        cohort: N labeled cells with person.
        recipe: The settings.
        values: float32 (N, F), their descriptors.
        fold: (N,) from `choice.person_folds`.
        seen: N, from `known.looks`.
        seed: Of choices inside a fit.
        jobs: Threads.
    """
    person, numbers = cohort["person"], range(int(fold.max()) + 1)
    logit, far = np.full(len(cohort), np.nan), np.full(len(cohort), np.nan)
    for number in numbers:
        log.info("fold %d of %d", number + 1, len(numbers))
        own, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        _, fitted = fitted_on(recipe, cohort.select(own), values[own], seed, jobs)
        logit[out] = fitted.logit(values[out])
        some = sample(person, own)
        space = fit_by_person(fitted.embedding(values[some]), person[some])
        if space is not None:
            far[out] = distances(space, fitted.embedding(values[out]))
    return OutOfFoldScores(fold, logit, None if np.isnan(far).any() else far, seen)


def calibrate_on(
    card: Card,
    cohort: Cohort,
    asked: OutOfFoldScores,
    rows: np.ndarray,
    space: GaussianModel | None,
    target_recall: float,
) -> Card:
    """The card with all that is set on answers for persons left out.

    Args:
        card: Without it.
        cohort: The N cells.
        asked: Of these cells.
        rows: Which of them it is set on.
        space: The cloud from which a model with this card measures distances.
        target_recall: For the operating point.
    """
    person = cohort["person"]
    card = calibrate(card, cohort.select(rows), asked.logit[rows], PART, target_recall)
    known = None
    if space is not None and asked.far is not None:
        known = set_limit(space, asked.far[rows], person[rows])
    looks = ranges_of(asked.seen[row] for row in sample(person, rows))
    return replace(card, image_limits=looks, out_of_distribution=known)


def apply_thresholds(
    card: Card,
    cohort: Cohort,
    asked: OutOfFoldScores,
    space: GaussianModel | None,
    target_recall: float,
) -> OutOfFoldPredictions:
    """Judge each fold by what `calibrate_on` sets on the others.

    Args:
        card: As for `calibrate_on`.
        cohort: The N cells.
        asked: Of these cells.
        space: Any cloud; cells come with their distances from their own.
        target_recall: For the operating points.
    """
    count, label = len(cohort), cohort["label"]
    p, at = np.empty(count), np.empty(count)
    covered, verdict = np.zeros(count, bool), np.empty(count, dtype=object)
    for number in range(int(asked.fold.max()) + 1):
        others, out = np.flatnonzero(asked.fold != number), np.flatnonzero(asked.fold == number)
        own = calibrate_on(card, cohort, asked, others, space, target_recall)
        p[out] = sigmoid(asked.logit[out] / own.temperature)
        at[out] = threshold(own)
        limits = conformal_thresholds(own)
        assert limits is not None  # `calibrate` has set them
        for row in out.tolist():
            covered[row] = LABEL_NAMES[int(label[row])] in limits.classes(p[row])
            verdict[row] = _verdict(own, asked, row, float(p[row]))
    return OutOfFoldPredictions(asked.fold, asked.logit, p, at, covered, verdict)


def _verdict(card: Card, asked: OutOfFoldScores, row: int, p_all: float) -> str:
    seen, usual_looks = asked.seen[row], card.image_limits
    flags = quality_flags(seen, usual_looks) if seen and usual_looks else ()
    far = None if asked.far is None else float(asked.far[row])
    return str(decide(gather(card, p_all=p_all, quality=flags, distance=far), card).verdict)
