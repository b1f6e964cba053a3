"""Out-of-fold performance of a release model: metrics, abstention, and a row for each person."""

from dataclasses import dataclass

import numpy as np

from leukoscope.core.statistics import sigmoid
from leukoscope.core.values import Estimate
from leukoscope.data.cohort import Cohort
from leukoscope.evaluation.metrics.bootstrap import REPLICATES, bootstrap_metrics
from leukoscope.evaluation.metrics.metrics import UNTEMPERED
from leukoscope.evaluation.metrics.selective import Selection, measure_selection
from leukoscope.evaluation.record import PersonRow
from leukoscope.evaluation.summary import person_rows
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.training.calibration.out_of_distribution import Quality
from leukoscope.training.release.cross_validate import OutOfFoldPredictions


@dataclass(frozen=True)
class OutOfFoldResults:
    """Performance of the folds' models.

    Attributes:
        metrics: Metrics of `CARD_METRICS` by key, with intervals over persons.
        persons: Correct and incorrect cells of each person.
        selection: Abstention, and errors among the answers.
    """

    metrics: dict[str, Estimate]
    persons: tuple[PersonRow, ...]
    selection: Selection


def measure(cohort: Cohort, predictions: OutOfFoldPredictions) -> OutOfFoldResults:
    """Measure out-of-fold predictions for N labeled cells; 95 % intervals over persons."""
    label, person = cohort["label"], cohort["person"]
    p, threshold = predictions.p, predictions.threshold
    selection = measure_selection(
        label,
        p,
        person,
        predictions.verdict,
        threshold=threshold,
        limits=None,
        covered=predictions.covered,
        replicates=REPLICATES,
        seed=0,
    )
    metrics = bootstrap_metrics(label, p, person, threshold=threshold)
    before = bootstrap_metrics(label, sigmoid(predictions.logit), person, threshold=0.5)
    return OutOfFoldResults(
        metrics | {UNTEMPERED.key: before["ece"]} | selection.metrics(),
        person_rows(label, p, person, threshold, cohort["subject"]),
        selection,
    )


def rows_of_card(
    cohort: Cohort, results: OutOfFoldResults, quality: list[Quality | None]
) -> tuple[OutOfFoldResult, ...]:
    """A row for each person and class as the card holds it, in the order of `results.persons`."""
    answered = {(row.person, row.label): row for row in results.selection.persons}
    area = np.array([np.nan if one is None else np.exp(one["area"]) for one in quality])
    rows = []
    for row in results.persons:
        of_person = area[cohort["person"] == row.person]
        answers = answered[row.person, row.label]
        rows.append(
            OutOfFoldResult(
                person=row.person,
                label=row.label,
                cells=row.cells,
                area=None if np.isnan(of_person).all() else round(float(np.nanmedian(of_person))),
                right=row.right,
                answered=answers.answered,
                wrong=answers.wrong,
                not_cells=answers.not_cells,
                covered=answers.covered or 0,
                mean_p=round(row.mean_p, 4),
            )
        )
    return tuple(rows)
