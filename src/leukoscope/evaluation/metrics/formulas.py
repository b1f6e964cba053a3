"""Formulas of the metrics.

Those of counts take true positives, false negatives, false positives and true negatives as arrays
of any shape, so one formula serves a cohort and thousands of resampled ones. The others come in
two forms: of the cells of one cohort, and of many replicates at once. nan means undefined.
"""

from math import nan

import numpy as np

from leukoscope.evaluation.metrics.calibration import (
    BINS,
    bin_of,
    cell_losses,
    expected_calibration_error,
    negative_log_likelihood,
)
from leukoscope.evaluation.metrics.cells import Floats, Replicates, ScoredCells, divide


def sensitivity(tp: Floats, fn: Floats, fp: Floats, tn: Floats) -> Floats:
    """Fraction of ALL cells predicted as ALL."""
    return divide(tp, tp + fn)


def specificity(tp: Floats, fn: Floats, fp: Floats, tn: Floats) -> Floats:
    """Fraction of HEM cells predicted as HEM."""
    return divide(tn, fp + tn)


def f1_all(tp: Floats, fn: Floats, fp: Floats, tn: Floats) -> Floats:
    """2 TP / (2 TP + FP + FN)."""
    return divide(2 * tp, 2 * tp + fp + fn)


def f1_hem(tp: Floats, fn: Floats, fp: Floats, tn: Floats) -> Floats:
    """2 TN / (2 TN + FP + FN)."""
    return divide(2 * tn, 2 * tn + fp + fn)


def f1_weighted(tp: Floats, fn: Floats, fp: Floats, tn: Floats) -> Floats:
    """Mean of both F1, weighted by the cells of the class."""
    positive, negative = tp + fn, fp + tn
    total = positive * f1_all(tp, fn, fp, tn) + negative * f1_hem(tp, fn, fp, tn)
    both = (positive > 0) & (negative > 0)
    return np.where(both, divide(total, tp + fn + fp + tn), nan)


def matthews_correlation(tp: Floats, fn: Floats, fp: Floats, tn: Floats) -> Floats:
    """0, as in scikit-learn, if every cell gets the same prediction; nan with one class only."""
    positive, negative = tp + fn, fp + tn
    root = np.sqrt(positive * negative * (tp + fp) * (tn + fn))
    both = (positive > 0) & (negative > 0)
    return np.where(both, np.nan_to_num(divide(tp * tn - fp * fn, root)), nan)


def auroc(cells: ScoredCells) -> float:
    """Area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(cells.is_all, cells.p)) if cells.has_both else nan


def average_precision(cells: ScoredCells) -> float:
    """Area under precision against recall of ALL, in steps."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(cells.is_all, cells.p)) if cells.has_both else nan


def person_macro_balanced_accuracy(cells: ScoredCells) -> float:
    """Balanced accuracy in which persons, not cells, have the same weight.

    It is the mean of two means: over all persons with ALL cells, of the fraction of their ALL cells
    predicted as ALL; and the same for HEM. nan without both, and where the person of a cell is
    unknown ("").
    """
    correct = cells.predicted_all == cells.is_all
    if np.any(cells.person == ""):
        return nan
    means = []
    for own in (cells.is_all, ~cells.is_all):
        persons, index = np.unique(cells.person[own], return_inverse=True)
        if not len(persons):
            return nan
        means.append(float(np.mean(np.bincount(index, correct[own]) / np.bincount(index))))
    return sum(means) / 2


def person_macro_balanced_accuracies(replicates: Replicates) -> Floats:
    """`person_macro_balanced_accuracy` of each replicate, (R,)."""
    tp, fn, fp, tn = replicates.person_counts
    weights = replicates.weights
    of_person = divide(tp, tp + fn), divide(tn, tn + fp)
    means = [divide(weights @ np.nan_to_num(one), weights @ ~np.isnan(one)) for one in of_person]
    return (means[0] + means[1]) / 2


def brier(cells: ScoredCells) -> float:
    """Mean squared error of the probability."""
    return float(np.mean((cells.p - cells.is_all) ** 2)) if len(cells) else nan


def brier_scores(replicates: Replicates) -> Floats:
    """`brier` of each replicate, (R,)."""
    cells = replicates.cells
    return divide(replicates.sums((cells.p - cells.is_all) ** 2), replicates.size)


def calibration_error(cells: ScoredCells) -> float:
    """Expected calibration error in `BINS` bins of equal width."""
    return expected_calibration_error(cells.is_all, cells.p)


def calibration_errors(replicates: Replicates) -> Floats:
    """`calibration_error` of each replicate, (R,)."""
    cells, persons = replicates.cells, replicates.weights.shape[1]
    place = replicates.index * BINS + bin_of(cells.p)
    gap = np.bincount(place, cells.p - cells.is_all, persons * BINS).reshape(persons, BINS)
    return divide(np.abs(replicates.weights @ gap).sum(axis=1), replicates.size)


def log_loss(cells: ScoredCells) -> float:
    """Mean negative log likelihood, in nats."""
    return negative_log_likelihood(cells.is_all, cells.p)


def log_losses(replicates: Replicates) -> Floats:
    """`log_loss` of each replicate, (R,)."""
    cells = replicates.cells
    return divide(replicates.sums(cell_losses(cells.is_all, cells.p)), replicates.size)
