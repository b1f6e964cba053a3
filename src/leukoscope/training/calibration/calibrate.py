"""Set thresholds, calibration and subject model on persons the model was not fitted on."""

from dataclasses import replace

import numpy as np

from leukoscope.core.statistics import sigmoid
from leukoscope.data.cohort import Cohort
from leukoscope.evaluation.metrics.calibration import fit_temperature
from leukoscope.evaluation.metrics.conformal import class_limits
from leukoscope.evaluation.metrics.operating_point import choose_operating_point, operating_curve
from leukoscope.inference.model_file.card import Card, OperatingCurve
from leukoscope.training.calibration.subjects import fit_subjects

# The fraction of a healthy person's cells that may be classified as blasts where the model answers.
# A model that classifies 85 % of normal cells correctly at the wanted sensitivity, which is the
# aim, need not abstain.
HEM_ERRORS = 0.15


def calibrate(
    card: Card, cohort: Cohort, logit: np.ndarray, part: str, target_recall: float
) -> Card:
    """The card with temperature, operating point and curve, abstention limits and subject model.

    The fraction of ALL cells that may lose their class is the one that the operating point misses.

    Args:
        card: A card to complete.
        cohort: N cells with label and person, of persons the predicting model has not trained on.
        logit: (N,) uncalibrated predictions.
        part: The name of these cells on the card.
        target_recall: The wanted sensitivity for ALL.
    """
    label, person = cohort["label"], cohort["person"]
    temperature = fit_temperature(logit, label, person)
    p = sigmoid(logit / temperature)
    curve = [tuple(values.round(4).tolist()) for values in operating_curve(label, p)]
    return replace(
        card,
        temperature=temperature,
        operating_point=choose_operating_point(label, p, person, target_recall, part),
        operating_curve=OperatingCurve(*curve),
        abstention=class_limits(
            label, p, person, alpha_all=round(1 - target_recall, 6), alpha_hem=HEM_ERRORS
        ),
        subjects=fit_subjects(cohort, logit, part),
    )
