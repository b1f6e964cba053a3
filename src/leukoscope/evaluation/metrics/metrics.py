"""What is measured, and its value on one table of cells.

Every function takes plain arrays, one entry per cell: `label` (1 = ALL, leukemic blast; 0 = HEM,
normal), `p` (the calibrated probability of ALL) and `person` (text). ALL is the positive class. A
metric that is not defined, as AUROC is not when only one class is present, is nan.
"""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.evaluation.metrics.calibration import (
    expected_calibration_error,
    negative_log_likelihood,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """How a metric is called and what it tells, for tables and reports."""

    key: str
    title: str
    meaning: str
    higher_is_better: bool = True
    needs_threshold: bool = True


METRICS = (
    Metric(
        "auroc",
        "AUROC",
        "Chance that an ALL cell scores above a normal one.",
        needs_threshold=False,
    ),
    Metric(
        "average_precision",
        "Average precision",
        "Precision averaged over all recalls; chance level is the share of ALL cells.",
        needs_threshold=False,
    ),
    Metric("sensitivity", "Sensitivity (recall of ALL)", "Share of ALL cells that are called ALL."),
    Metric(
        "specificity",
        "Specificity (recall of HEM)",
        "Share of normal cells that are called normal.",
    ),
    Metric("balanced_accuracy", "Balanced accuracy", "Mean of sensitivity and specificity."),
    Metric(
        "person_macro_balanced_accuracy",
        "Person-macro balanced accuracy",
        "The same, but each person counts equally, however many cells they gave.",
    ),
    Metric(
        "accuracy", "Accuracy", "Share of all cells called rightly; depends on the mix of classes."
    ),
    Metric(
        "precision_all",
        "Precision of ALL",
        "Share of ALL calls that are right; depends on the mix of classes.",
    ),
    Metric(
        "precision_hem",
        "Precision of HEM",
        "Share of normal calls that are right; depends on the mix of classes.",
    ),
    Metric("f1_all", "F1 of ALL", "Harmonic mean of precision and recall of ALL."),
    Metric("f1_hem", "F1 of HEM", "Harmonic mean of precision and recall of HEM."),
    Metric(
        "f1_weighted",
        "Weighted F1",
        "Mean of both F1, weighted by cells: the ranking score of C-NMC 2019.",
    ),
    Metric(
        "mcc", "Matthews correlation", "Correlation of call and truth; 0 is chance, 1 is perfect."
    ),
    Metric(
        "brier",
        "Brier score",
        "Mean squared error of the probability; 0 is perfect.",
        higher_is_better=False,
        needs_threshold=False,
    ),
    Metric(
        "ece",
        "Calibration error (ECE)",
        "Mean gap between stated probability and observed share of ALL, in 15 bins.",
        higher_is_better=False,
        needs_threshold=False,
    ),
    Metric(
        "nll",
        "Log loss (NLL)",
        "Penalty for confident mistakes; always answering 0.5 gives 0.693.",
        higher_is_better=False,
        needs_threshold=False,
    ),
)


UNTEMPERED = Metric(
    "ece_untempered",
    "Calibration error without temperature",
    "That of the probabilities before they were calibrated.",
    higher_is_better=False,
    needs_threshold=False,
)


@dataclass(frozen=True)
class Confusion:
    """Counts of cells by truth and call."""

    true_all: int
    """ALL cells called ALL."""
    missed_all: int
    """ALL cells called HEM."""
    false_all: int
    """HEM cells called ALL."""
    true_hem: int
    """HEM cells called HEM."""

    @property
    def cells(self) -> int:
        """All cells counted."""
        return sum(self.counts)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """True positives, false negatives, false positives, true negatives; ALL is positive."""
        return self.true_all, self.missed_all, self.false_all, self.true_hem


def confusion(label: ArrayLike, p: ArrayLike, threshold: float) -> Confusion:
    """Count cells by truth and call, where `p >= threshold` calls ALL."""
    truth, call = np.asarray(label) == 1, np.asarray(p, np.float64) >= threshold
    return Confusion(
        true_all=int(np.sum(truth & call)),
        missed_all=int(np.sum(truth & ~call)),
        false_all=int(np.sum(~truth & call)),
        true_hem=int(np.sum(~truth & ~call)),
    )


def divide(part: ArrayLike, whole: ArrayLike) -> Floats:
    """`part / whole`, elementwise, nan where `whole` is 0."""
    top, bottom = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    out = np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out


def threshold_metrics(
    tp: ArrayLike, fn: ArrayLike, fp: ArrayLike, tn: ArrayLike
) -> dict[str, Floats]:
    """The metrics that need nothing but the counts of a confusion matrix, of one or many at once.

    F1 is 2 TP / (2 TP + FP + FN). MCC is 0, as in scikit-learn, when every cell gets the same call,
    and nan when every cell has the same label.

    Args:
        tp: ALL cells called ALL; any shape, the same for all four.
        fn: ALL cells called HEM.
        fp: HEM cells called ALL.
        tn: HEM cells called HEM.
    """
    tp, fn, fp, tn = (np.asarray(count, np.float64) for count in (tp, fn, fp, tn))
    positive, negative, cells = tp + fn, fp + tn, tp + fn + fp + tn
    both = (positive > 0) & (negative > 0)
    sensitivity, specificity = divide(tp, positive), divide(tn, negative)
    f1_all, f1_hem = divide(2 * tp, 2 * tp + fp + fn), divide(2 * tn, 2 * tn + fp + fn)
    correlation = divide(tp * tn - fp * fn, np.sqrt(positive * negative * (tp + fp) * (tn + fn)))
    return {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "accuracy": divide(tp + tn, cells),
        "precision_all": divide(tp, tp + fp),
        "precision_hem": divide(tn, tn + fn),
        "f1_all": f1_all,
        "f1_hem": f1_hem,
        "f1_weighted": np.where(both, divide(positive * f1_all + negative * f1_hem, cells), nan),
        "mcc": np.where(both, np.nan_to_num(correlation), nan),
    }


def person_macro_balanced_accuracy(
    label: ArrayLike, p: ArrayLike, person: ArrayLike, threshold: float
) -> float:
    """Balanced accuracy in which persons, not cells, count equally.

    It is the mean of two means: the mean, over all persons with ALL cells, of the share of their
    ALL cells called ALL; and the mean, over all persons with HEM cells, of the share of their HEM
    cells called HEM. nan without both, and where the person of a cell is not known ("").
    """
    truth, who = np.asarray(label), np.asarray(person, dtype=object)
    right = (np.asarray(p, np.float64) >= threshold) == (truth == 1)
    if np.any(who == ""):
        return nan
    means = []
    for value in (1, 0):
        persons, index = np.unique(who[truth == value], return_inverse=True)
        if not len(persons):
            return nan
        means.append(float(np.mean(np.bincount(index, right[truth == value]) / np.bincount(index))))
    return sum(means) / 2


def probability_metrics(label: ArrayLike, p: ArrayLike) -> dict[str, float]:
    """AUROC, average precision, Brier score, ECE and log loss; nan where not defined."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth: NDArray[np.int64] = np.asarray(label, np.int64)
    score: NDArray[np.float64] = np.asarray(p, np.float64)
    both = 0 < truth.sum() < len(truth)
    return {
        "auroc": float(roc_auc_score(truth, score)) if both else nan,
        "average_precision": float(average_precision_score(truth, score)) if both else nan,
        "brier": float(np.mean((score - truth) ** 2)) if len(truth) else nan,
        "ece": expected_calibration_error(truth, score),
        "nll": negative_log_likelihood(truth, score),
    }


def all_metrics(
    label: ArrayLike, p: ArrayLike, person: ArrayLike, threshold: float
) -> dict[str, float]:
    """Every metric of `METRICS`, in that order, with `p >= threshold` calling ALL."""
    calls = threshold_metrics(*confusion(label, p, threshold).counts)
    values = probability_metrics(label, p) | {key: float(value) for key, value in calls.items()}
    values["person_macro_balanced_accuracy"] = person_macro_balanced_accuracy(
        label, p, person, threshold
    )
    return {metric.key: values[metric.key] for metric in METRICS}
