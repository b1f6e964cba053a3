"""The last step of a model fitted again on the cells of another laboratory.

The new logit is `logit - offset + embedding @ weights`. The offset alone recalibrates the model: a
stain or camera that moves all logits moves the threshold with them. Weights also change which cells
are alike, and need more persons; they start from the old logit, so that with little evidence the
model stays as it was.

Sources: J. C. Platt, "Probabilistic outputs for support vector machines", 1999 (offset and scale;
the scale is the temperature that `calibrate` sets). The penalty by the one-standard-error rule:
T. Hastie, R. Tibshirani, J. Friedman, "The elements of statistical learning", 2009, 7.10.
"""

from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.errors import TrainingError
from leukoscope.core.statistics import sigmoid
from leukoscope.data.cohort import Cohort
from leukoscope.evaluation.metrics.calibration import TEMPERATURE_RANGE, cell_losses
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.network.sampling import even_weights

Floats = NDArray[np.float64]

FEWEST_TO_REFIT = 8
"""Persons of each class without which the weights stay as they are."""
PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
FOLDS = 5


@dataclass(frozen=True)
class Head:
    """The new last step of a model.

    Attributes:
        offset: Taken from the old logit.
        weights: (d,) of the embedding; None if only the offset was fitted.
        penalty: Of the weights; infinite without weights.
    """

    offset: float
    weights: Floats | None = None
    penalty: float = inf

    def logit(self, logit: np.ndarray, embedding: np.ndarray) -> Floats:
        """The new logits (N,) from old ones (N,) and embeddings (N, d)."""
        shifted = np.asarray(logit, np.float64) - self.offset
        return shifted if self.weights is None else shifted + embedding @ self.weights


@dataclass(frozen=True)
class Outputs:
    """The outputs of the old model for N labeled cells of new persons.

    Attributes:
        cohort: The cells, with label and person.
        logit: (N,).
        embedding: (N, d).
    """

    cohort: Cohort
    logit: Floats
    embedding: Floats

    def select(self, rows: np.ndarray) -> "Outputs":
        """Some of the cells."""
        return Outputs(self.cohort.select(rows), self.logit[rows], self.embedding[rows])

    @property
    def weights(self) -> Floats:
        """(N,) the same total for both classes, and for each person of a class."""
        return even_weights(self.cohort["label"], self.cohort["person"], "person")


def fit_head(outputs: Outputs, seed: int, *, refit: bool | None = None) -> Head:
    """Fit a head: its offset, and weights where persons left out are predicted better with them.

    Args:
        outputs: Of cells of persons that the old model was not fitted on.
        seed: Random seed of the folds in which the penalty is chosen.
        refit: False: the offset only. True: weights, by the penalty that is best. None: weights if
            there are enough persons and they help by more than the spread over persons.

    Raises:
        TrainingError: A class is missing.
    """
    enough = min(persons_of_classes(outputs.cohort)) >= FEWEST_TO_REFIT
    if refit is False or (refit is None and not enough):
        return _offset(outputs)
    penalty = _choose_penalty(outputs, seed, cautious=refit is None)
    return _fit(outputs, penalty)


def persons_of_classes(cohort: Cohort) -> tuple[int, int]:
    """The numbers of persons with ALL and with HEM cells."""
    label, person = cohort["label"], cohort["person"]
    return len(set(person[label == 1])), len(set(person[label == 0]))


def _offset(outputs: Outputs) -> Head:
    return Head(_platt(outputs)[0])


def _platt(outputs: Outputs) -> tuple[float, float]:
    """Offset and temperature with the least log loss, both classes weighing the same."""
    from scipy.optimize import minimize

    label, z, weight = outputs.cohort["label"], outputs.logit, outputs.weights
    if len(set(label.tolist())) < 2:
        raise TrainingError("cells of one class only: an offset between two cannot be fitted")
    sign = np.where(label == 1, -1.0, 1.0)

    def loss(parameters: Floats) -> float:
        offset, log_temperature = parameters
        return float(np.mean(weight * np.logaddexp(0, sign * (z - offset) / exp(log_temperature))))

    means = [np.average(z[label == value], weights=weight[label == value]) for value in (0, 1)]
    low, high = TEMPERATURE_RANGE
    found = minimize(
        loss,
        np.array([np.mean(means), 0.0]),
        bounds=[(float(z.min()), float(z.max())), (log(low), log(high))],
        method="L-BFGS-B",
    )
    return float(found.x[0]), exp(float(found.x[1]))


def _fit(outputs: Outputs, penalty: float) -> Head:
    """The head with ridge weights on the standardized embedding."""
    from scipy.optimize import minimize

    offset, temperature = _platt(outputs)
    if penalty == inf:
        return Head(offset)
    weight, label = outputs.weights / len(outputs.logit), outputs.cohort["label"]
    mean = np.average(outputs.embedding, axis=0, weights=weight)
    centered = outputs.embedding - mean
    spread = np.sqrt(np.average(centered**2, axis=0, weights=weight))
    # The same penalty means the same, however wide the embedding is.
    scale = np.where(spread > 1e-9, spread, inf) * np.sqrt(centered.shape[1])
    values, start = centered / scale, (outputs.logit - offset) / temperature
    sign = np.where(label == 1, -1.0, 1.0)

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        margin = sign * (start + values @ coefficients)
        slope = weight * sign * sigmoid(margin)
        value = weight @ np.logaddexp(0, margin) + penalty / 2 * coefficients @ coefficients
        return float(value), values.T @ slope + penalty * coefficients

    found = minimize(loss, np.zeros(values.shape[1]), jac=True, method="L-BFGS-B")
    weights = temperature * found.x / scale
    return Head(offset + float(mean @ weights), weights, penalty)


def _choose_penalty(outputs: Outputs, seed: int, *, cautious: bool) -> float:
    """The penalty by persons left out; the largest within one standard error of the best."""
    fold = person_folds(outputs.cohort, FOLDS, seed)
    penalties = (inf, *PENALTIES) if cautious else PENALTIES
    losses = np.stack([_losses(outputs, fold, penalty) for penalty in penalties])
    best = int(losses.mean(axis=1).argmin())
    if not cautious:
        return penalties[best]
    for number, penalty in enumerate(penalties[: best + 1]):
        gain = losses[number] - losses[best]
        if gain.mean() <= gain.std(ddof=1) / np.sqrt(len(gain)):
            return penalty
    return penalties[best]


def _losses(outputs: Outputs, fold: np.ndarray, penalty: float) -> Floats:
    """The mean log loss of each person and class, left out; classes weigh the same."""
    logit = np.empty(len(outputs.logit))
    for number in range(int(fold.max()) + 1):
        head = _fit(outputs.select(np.flatnonzero(fold != number)), penalty)
        rows = np.flatnonzero(fold == number)
        logit[rows] = head.logit(outputs.logit[rows], outputs.embedding[rows])
    # The head has its own offset; the scale is set afterwards, as `calibrate` does.
    _, temperature = _platt(Outputs(outputs.cohort, logit, outputs.embedding))
    losses = cell_losses(outputs.cohort["label"], sigmoid(logit / temperature))
    label, person = outputs.cohort["label"], outputs.cohort["person"]
    means, classes = [], []
    for value in (0, 1):
        for name in sorted(set(person[label == value])):
            means.append(losses[(person == name) & (label == value)].mean())
            classes.append(value)
    of_class = np.bincount(classes)
    return np.array(means) * len(classes) / (2 * of_class[classes])
