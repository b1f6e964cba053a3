"""The table of metrics: everything that reports, comparisons, model cards and the app show of one.

A new metric is one entry of `METRICS`. ALL (leukemic blast) is the positive class, HEM (normal) the
negative one. A metric that is undefined, as AUROC is when only one class is present, is nan.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from leukoscope.evaluation.metrics import formulas as f
from leukoscope.evaluation.metrics.cells import Floats, Replicates, ScoredCells, divide
from leukoscope.evaluation.metrics.persons import persons_auroc, persons_aurocs


@dataclass(frozen=True)
class Metric:
    """A metric: its texts, its formula, and where it is shown.

    Attributes:
        key: Its name in files.
        title: Its name in text and tables.
        meaning: What it tells, as a sentence.
        counts: Formula of true positives, false negatives, false positives and true negatives,
            arrays of any shape.
        cells: Formula of the cells of one cohort, where the four counts do not suffice.
        replicates: The same for many resampled cohorts at once, (R,). Without it `cells` is
            computed on each of them, which takes some thousand times as long.
        higher_is_better: The direction.
        needs_threshold: It depends on the predicted classes.
        short: Its name at the head of a narrow column, where the title is too long.
        compared: It has a column in narrow tables of comparisons.
        added: Evaluations of version 0.1 do not have it.
    """

    key: str
    title: str
    meaning: str
    counts: Callable[[Floats, Floats, Floats, Floats], Floats] | None = None
    cells: Callable[[ScoredCells], float] | None = None
    replicates: Callable[[Replicates], Floats] | None = None
    higher_is_better: bool = True
    needs_threshold: bool = True
    short: str = ""
    compared: bool = False
    added: bool = False

    def value(self, cells: ScoredCells) -> float:
        """Its value on one cohort; nan where undefined."""
        if self.counts is not None:
            return float(self.counts(*cells.counts))
        assert self.cells is not None  # every entry of METRICS has a formula
        return self.cells(cells)

    def drawn(self, replicates: Replicates) -> Floats:
        """Its values in resampled cohorts, (R,); nan where undefined."""
        if self.counts is not None:
            return self.counts(*replicates.counts)
        if self.replicates is not None:
            return self.replicates(replicates)
        return np.array([self.value(cells) for cells in replicates.cohorts()])


METRICS = (
    Metric(
        "auroc",
        "AUROC",
        "Probability that a random ALL cell scores above a random normal one.",
        cells=f.auroc,
        replicates=lambda r: r.ranking[0],
        needs_threshold=False,
        compared=True,
    ),
    Metric(
        "average_precision",
        "Average precision",
        "Precision averaged over all recalls; chance level is the fraction of ALL cells.",
        cells=f.average_precision,
        replicates=lambda r: r.ranking[1],
        needs_threshold=False,
    ),
    Metric(
        "sensitivity",
        "Sensitivity (recall of ALL)",
        "Fraction of ALL cells that are predicted as ALL.",
        counts=f.sensitivity,
        short="Sensitivity",
        compared=True,
    ),
    Metric(
        "specificity",
        "Specificity (recall of HEM)",
        "Fraction of normal cells that are predicted as normal.",
        counts=f.specificity,
        short="Specificity",
        compared=True,
    ),
    Metric(
        "balanced_accuracy",
        "Balanced accuracy",
        "Mean of sensitivity and specificity.",
        counts=lambda *counts: (f.sensitivity(*counts) + f.specificity(*counts)) / 2,
        short="Balanced acc.",
        compared=True,
    ),
    Metric(
        "person_macro_balanced_accuracy",
        "Person-macro balanced accuracy",
        "Balanced accuracy in which every person has the same weight, however many cells they "
        "have.",
        cells=f.person_macro_balanced_accuracy,
        replicates=f.person_macro_balanced_accuracies,
        short="Person-macro bal. acc.",
        compared=True,
    ),
    Metric(
        "persons_auroc",
        "AUROC of persons",
        "Probability that a random person with ALL scores above a random normal one, each by the "
        "mean log-odds of all their cells.",
        cells=persons_auroc,
        replicates=persons_aurocs,
        needs_threshold=False,
        compared=True,
        added=True,
    ),
    Metric(
        "accuracy",
        "Accuracy",
        "Fraction of all cells classified correctly; depends on the mix of classes.",
        counts=lambda tp, fn, fp, tn: divide(tp + tn, tp + fn + fp + tn),
    ),
    Metric(
        "precision_all",
        "Precision of ALL",
        "Fraction of ALL predictions that are correct; depends on the mix of classes.",
        counts=lambda tp, fn, fp, tn: divide(tp, tp + fp),
    ),
    Metric(
        "precision_hem",
        "Precision of HEM",
        "Fraction of normal predictions that are correct; depends on the mix of classes.",
        counts=lambda tp, fn, fp, tn: divide(tn, tn + fn),
    ),
    Metric("f1_all", "F1 of ALL", "Harmonic mean of precision and recall of ALL.", counts=f.f1_all),
    Metric(
        "f1_hem",
        "F1 of HEM",
        "Harmonic mean of precision and recall of HEM.",
        counts=f.f1_hem,
    ),
    Metric(
        "f1_weighted",
        "Weighted F1",
        "Mean of both F1, weighted by cells: the ranking score of C-NMC 2019.",
        counts=f.f1_weighted,
        compared=True,
    ),
    Metric(
        "mcc",
        "Matthews correlation",
        "Correlation of prediction and label; 0 is chance, 1 is perfect.",
        counts=f.matthews_correlation,
    ),
    Metric(
        "brier",
        "Brier score",
        "Mean squared error of the probability; 0 is perfect.",
        cells=f.brier,
        replicates=f.brier_scores,
        higher_is_better=False,
        needs_threshold=False,
    ),
    Metric(
        "ece",
        "Calibration error (ECE)",
        "Mean gap between predicted probability and observed fraction of ALL, in 15 bins.",
        cells=f.calibration_error,
        replicates=f.calibration_errors,
        higher_is_better=False,
        needs_threshold=False,
        short="ECE",
        compared=True,
    ),
    Metric(
        "nll",
        "Log loss (NLL)",
        "Penalty for confident mistakes; a constant probability of 0.5 has 0.693.",
        cells=f.log_loss,
        replicates=f.log_losses,
        higher_is_better=False,
        needs_threshold=False,
    ),
)
METRIC: Mapping[str, Metric] = {metric.key: metric for metric in METRICS}

UNTEMPERED = Metric(
    "ece_untempered",
    "Calibration error without temperature",
    "Calibration error of the probabilities before temperature scaling.",
    higher_is_better=False,
    needs_threshold=False,
)
SELECTIVE_METRICS = (
    Metric("answered", "Answered (blast or normal)", "Fraction of cells that get a class."),
    Metric("uncertain", "Uncertain", "Fraction of cells left to the reader."),
    Metric(
        "not_cells", "Rejected as not a cell", "Fraction of cells that are rejected by mistake."
    ),
    Metric(
        "error_answered",
        "Error among the answered",
        "Fraction of the answered cells that are classified incorrectly.",
        higher_is_better=False,
    ),
    Metric(
        "error_all",
        "Error without abstention",
        "Fraction of cells classified incorrectly if every cell gets a class.",
        higher_is_better=False,
    ),
    Metric(
        "aurc",
        "Area under the risk-coverage curve (AURC)",
        "Mean error as the least confident cells are left out; leaving out cells at random keeps "
        "the error without abstention.",
        higher_is_better=False,
    ),
    Metric(
        "covered_all",
        "Coverage of ALL",
        "Fraction of ALL cells whose prediction set contains their class.",
    ),
    Metric(
        "covered_hem",
        "Coverage of HEM",
        "Fraction of normal cells whose prediction set contains their class.",
    ),
)
"""Metrics of abstention, measured by `selective`. Every person has the same weight in them."""
CARD_METRICS = (*METRICS, UNTEMPERED, *SELECTIVE_METRICS)
"""The metrics that a model card may hold, in reading order."""
TITLES: Mapping[str, str] = {metric.key: metric.title for metric in CARD_METRICS}


def metric_texts() -> dict[str, dict[str, str]]:
    """Title and meaning of every metric that a model card may hold, by key, for JSON."""
    return {m.key: {"title": m.title, "meaning": m.meaning} for m in CARD_METRICS}


def all_metrics(
    label: ArrayLike, p: ArrayLike, person: ArrayLike, threshold: ArrayLike
) -> dict[str, float]:
    """Every metric of `METRICS`, in that order, with ALL predicted for `p >= threshold`.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell, "" where unknown.
        threshold: One for all cells, or (N,).
    """
    return metric_values(ScoredCells.of(label, p, person, threshold), METRIC)


def threshold_metrics(
    tp: ArrayLike, fn: ArrayLike, fp: ArrayLike, tn: ArrayLike
) -> dict[str, Floats]:
    """The metrics that need nothing but the counts of a confusion matrix, of one or many at once.

    Args:
        tp: ALL cells predicted as ALL; any shape, the same for all four.
        fn: ALL cells predicted as HEM.
        fp: HEM cells predicted as ALL.
        tn: HEM cells predicted as HEM.
    """
    tp, fn, fp, tn = (np.asarray(count, np.float64) for count in (tp, fn, fp, tn))
    return {m.key: m.counts(tp, fn, fp, tn) for m in METRICS if m.counts is not None}


def metric_values(cells: ScoredCells, keys: Iterable[str]) -> dict[str, float]:
    """Some metrics of one cohort, by key."""
    return {key: METRIC[key].value(cells) for key in keys}


def replicate_values(replicates: Replicates) -> dict[str, Floats]:
    """Every metric of `METRICS` in resampled cohorts, (R,) each."""
    return {metric.key: metric.drawn(replicates) for metric in METRICS}
