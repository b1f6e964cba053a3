"""Evaluate a table of cells with labels and probabilities."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.core.files import natural_key
from leukoscope.core.statistics import sigmoid, wilson_interval
from leukoscope.core.values import Abstention, OperatingPoint
from leukoscope.evaluation.metrics.bootstrap import REPLICATES, bootstrap_metrics
from leukoscope.evaluation.metrics.calibration import (
    expected_calibration_error,
    negative_log_likelihood,
    person_weights,
    reliability_curve,
)
from leukoscope.evaluation.metrics.confusion import confusion
from leukoscope.evaluation.metrics.metrics import METRICS
from leukoscope.evaluation.metrics.selective import measure_selection
from leukoscope.evaluation.person_answers import measure_persons
from leukoscope.evaluation.record import Calibration, Evaluation, PersonRow, Protocol
from leukoscope.evaluation.table import CellTable
from leukoscope.inference.subject.model import SubjectModel


def person_rows(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    threshold: ArrayLike,
    subject: ArrayLike | None = None,
) -> tuple[PersonRow, ...]:
    """One row for each known person and label: ALL before HEM, the worst first.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell, "" where unknown.
        threshold: One for all cells, or (N,).
        subject: (N,) subject of each cell; by default the person.
    """
    truth, score, who = (
        np.asarray(label),
        np.asarray(p, np.float64),
        np.asarray(person, dtype=object),
    )
    predicted = score >= np.asarray(threshold)
    ids = who if subject is None else np.asarray(subject, dtype=object)
    rows = []
    for name in set(who.tolist()) - {""}:
        for value, label_name in ((1, "ALL"), (0, "HEM")):
            own = (who == name) & (truth == value)
            cells = int(own.sum())
            if not cells:
                continue
            correct = int(np.sum(predicted[own] == (value == 1)))
            low, high = wilson_interval(correct, cells)
            subjects = tuple(sorted(set(ids[own].tolist()), key=natural_key))
            mean_p = float(score[own].mean())
            rows.append(
                PersonRow(
                    str(name),
                    label_name,
                    subjects,
                    cells,
                    correct,
                    correct / cells,
                    low,
                    high,
                    mean_p,
                )
            )
    return tuple(sorted(rows, key=lambda row: (row.label, row.share, natural_key(row.person))))


def evaluate_table(
    table: CellTable,
    *,
    operating_point: OperatingPoint,
    protocol: Protocol,
    limits: Abstention | None = None,
    subjects: SubjectModel | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Evaluation:
    """Measure the performance of a model on labeled cells that it has predicted.

    Args:
        table: The cells, from `table.scored_cells`.
        operating_point: The threshold, chosen beforehand on other persons.
        protocol: How the cells were separated from the training data; copied into the result.
        limits: The conformal thresholds, chosen beforehand on other persons; None for a model that
            never abstains.
        subjects: The model of subjects, fitted beforehand on other persons.
        replicates: Number of bootstrap draws.
        seed: Seed of the draws.
    """
    label, p, who = table.label, table.p, table.person
    threshold = operating_point.threshold
    draws = {"replicates": replicates, "seed": seed}
    at_half = bootstrap_metrics(label, p, who, threshold=0.5, **draws)
    return Evaluation(
        protocol=protocol,
        operating_point=operating_point,
        cells={
            "ALL": int(np.sum(label == 1)),
            "HEM": int(np.sum(label == 0)),
            "of unknown person": int(np.sum(who == "")),
            "unlabeled": table.unlabeled,
            "without probability": table.without_probability,
        },
        person_count={
            name: len(set(who[label == value].tolist()) - {""})
            for value, name in ((1, "ALL"), (0, "HEM"))
        },
        metrics=bootstrap_metrics(label, p, who, threshold=threshold, **draws),
        metrics_at_half={
            metric.key: at_half[metric.key] for metric in METRICS if metric.needs_threshold
        },
        confusion=confusion(label, p, threshold),
        confusion_at_half=confusion(label, p, 0.5),
        persons=person_rows(label, p, who, threshold, table.subject),
        calibration=_calibration(label, p, who, table.logit),
        replicates=replicates,
        seed=seed,
        selection=measure_selection(
            label, p, who, table.verdict, threshold=threshold, limits=limits, **draws
        )
        if table.verdict is not None
        else None,
        person_answers=measure_persons(table, subjects, **draws),
    )


def _calibration(
    label: NDArray[Any], p: NDArray[Any], person: NDArray[Any], logit: NDArray[Any] | None
) -> Calibration:
    """Calibration with the temperature and, if logits are known, without it."""
    weight = person_weights(person.astype(str))
    found = Calibration(
        reliability=reliability_curve(label, p),
        ece=expected_calibration_error(label, p),
        nll=negative_log_likelihood(label, p),
        person_ece=expected_calibration_error(label, p, weight=weight),
    )
    if logit is None:
        return found
    before = sigmoid(logit)
    return replace(
        found,
        ece_untempered=expected_calibration_error(label, before),
        nll_untempered=negative_log_likelihood(label, before),
        reliability_untempered=reliability_curve(label, before),
        person_ece_untempered=expected_calibration_error(label, before, weight=weight),
    )


def confident_errors(
    label: ArrayLike, p: ArrayLike, threshold: float, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The incorrect predictions furthest from the threshold, the worst first.

    Returns:
        Indices of at most `count` missed ALL cells and of at most `count` HEM cells predicted as
        ALL.
    """
    truth, score = np.asarray(label), np.asarray(p, np.float64)
    missed = np.flatnonzero((truth == 1) & (score < threshold))
    false = np.flatnonzero((truth == 0) & (score >= threshold))
    missed = missed[np.argsort(score[missed], kind="stable")][:count]
    false = false[np.argsort(-score[false], kind="stable")][:count]
    return missed, false
