"""The sections of the report that show cells: curves, persons, errors, size, benefit, learning."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from leukoscope.core import html
from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.tables import read_table
from leukoscope.evaluation.metrics.bootstrap import curve_bands, reliability_band
from leukoscope.evaluation.metrics.importance import read_importance
from leukoscope.evaluation.record import Calibration, Evaluation
from leukoscope.evaluation.report import plots, plots_cells
from leukoscope.evaluation.report.plots_persons import person_strip
from leukoscope.evaluation.summary import confident_errors
from leukoscope.evaluation.table import CellTable

ERRORS_SHOWN = 12
ReadImage = Callable[[str], NDArray[np.uint8]]
"""A path to an image, uint8 (H, W, 3)."""


def curves(evaluation: Evaluation, table: CellTable) -> Iterable[Markup]:
    """How well the classes are told apart, and whether the probabilities can be trusted."""
    label, p, point = table.label, table.p, evaluation.operating_point
    metrics, calibration = evaluation.metrics, evaluation.calibration
    if evaluation.cells["ALL"] and evaluation.cells["HEM"]:
        bands = curve_bands(
            label, p, table.person, replicates=evaluation.replicates, seed=evaluation.seed
        )
        yield html.heading("How well the classes are told apart")
        yield html.figure(
            plots.roc_curve(label, p, point.threshold, auroc=metrics["auroc"], band=bands["roc"]),
            "ROC curve: each threshold trades leukemic cells found against normal cells called "
            "leukemic.",
            "ROC curve",
        )
        yield html.figure(
            plots.precision_recall_curve(
                label,
                p,
                point.threshold,
                average_precision=metrics["average_precision"],
                band=bands["precision_recall"],
            ),
            "Precision and recall: how many ALL calls are right as more of the leukemic cells are "
            "found.",
            "Precision-recall curve",
        )
    yield html.heading("Can the probabilities be trusted?")
    if calibration.ece_untempered is not None and calibration.nll_untempered is not None:
        chosen_on = evaluation.protocol.chosen_on.get("temperature", "validation")
        yield html.paragraph(
            f"The temperature {evaluation.protocol.temperature:.3f}, fitted on the {chosen_on} "
            "part, changed the calibration error here from "
            f"{calibration.ece_untempered:.3f} to {calibration.ece:.3f} and the log loss from "
            f"{calibration.nll_untempered:.3f} to "
            f"{calibration.nll:.3f}. It changes no ranking." + _by_person(calibration)
        )
    untempered = calibration.reliability_untempered
    before = None
    if untempered is not None and calibration.ece_untempered is not None:
        before = untempered, calibration.ece_untempered
    band = reliability_band(
        label, p, table.person, replicates=evaluation.replicates, seed=evaluation.seed
    )
    yield html.figure(
        plots.reliability_diagram(
            label,
            p,
            calibration.reliability,
            ece=metrics["ece"],
            before=before,
            band=band,
        ),
        "Reliability: on the dotted line, 8 of 10 cells given 0.8 are ALL. Above it the model says "
        "too little, below it too much.",
        "Reliability diagram",
    )


def _by_person(calibration: Calibration) -> str:
    """The same where persons weigh alike, for the cells of one person can hide all others."""
    before, after = calibration.person_ece_untempered, calibration.person_ece
    if before is None or after is None:
        return ""
    return (
        " Where each person weighs the same, as when it was fitted, the calibration error went "
        f"from {before:.3f} to {after:.3f}."
    )


def persons(evaluation: Evaluation, table: CellTable) -> Iterable[Markup]:
    """Each person's cells and their share of right calls; nothing where no person is known."""
    if not evaluation.persons:
        return
    yield html.heading("Person by person")
    yield html.figure(
        person_strip(
            table.label,
            table.p,
            table.person,
            evaluation.persons,
            evaluation.operating_point.threshold,
        ),
        "Each dot is a cell. Cells of ALL right of the line and normal cells left of it are called "
        "rightly; the worst persons come first.",
        "Probability of ALL of each cell, by person",
    )
    rows = [
        [
            row.person,
            ", ".join(row.subjects),
            row.label,
            f"{row.cells:,}",
            f"{row.right:,}",
            f"{row.share:.1%}",
            f"{row.low:.1%} to {row.high:.1%}",
            f"{row.mean_p:.3f}",
        ]
        for row in evaluation.persons
    ]
    headers = [
        "Person",
        "Subjects",
        "Label",
        "Cells",
        "Called rightly",
        "Share",
        "95 % (Wilson)",
        "Mean probability",
    ]
    yield html.table(
        headers,
        rows,
        caption="The share is the sensitivity of a person with ALL and the specificity of a person "
        "with normal cells. Its Wilson interval speaks of further cells of this person, taken as "
        "independent.",
    )


def errors(
    evaluation: Evaluation, table: CellTable, read_image: ReadImage | None
) -> Iterable[Markup]:
    """The most confident errors, with their pictures where they can be had."""
    if table.path is None:
        return
    worst = confident_errors(
        table.label, table.p, evaluation.operating_point.threshold, ERRORS_SHOWN
    )
    yield html.heading("Most confident errors")
    if not any(len(index) for index in worst):
        yield html.paragraph("Every cell was called rightly.")
    titles = (
        "ALL cells called normal, the lowest probability first.",
        "Normal cells called ALL, the highest probability first.",
    )
    for index, title in zip(worst, titles, strict=True):
        captions = [
            f"{Path(str(table.path[i])).name} · person {table.person[i]} · p = {table.p[i]:.3f}"
            for i in index
        ]
        pictures = []
        for i, caption in zip(index, captions, strict=True):
            picture = _picture(read_image, str(table.path[i]))
            if picture is not None:
                pictures.append((picture, caption))
        if pictures:
            yield html.image_grid(pictures, title)
        elif captions:
            yield html.table([title], [[caption] for caption in captions])


def _picture(read_image: ReadImage | None, path: str) -> NDArray[np.uint8] | None:
    """A picture, or None where its file has gone since: a report is worth having without it."""
    try:
        return None if read_image is None else read_image(path)
    except (LeukoscopeError, OSError):
        return None


def size_and_benefit(table: CellTable) -> Iterable[Markup]:
    """Size dependence, where areas are known, and the decision curve."""
    label, p = table.label, table.p
    if table.area is not None:
        yield html.heading("Does it go by size?")
        yield html.figure(
            plots_cells.size_dependence(label, p, table.area),
            "Blasts are larger on average. Where a curve rises within one class, the model leans "
            "on size, and calls large normal "
            "cells leukemic.",
            "Probability of ALL against cell area",
        )
    yield html.heading("Is acting on the calls worth it?")
    yield html.figure(
        plots.decision_curve(label, p),
        "Decision curve. A low threshold probability stands for a reader to whom a missed blast is "
        "far worse than a false alarm. The "
        "model helps where it lies above both other lines, at the share of ALL in this data set.",
        "Decision curve",
    )


def training(learning_log: Path | None, importance: Path | None) -> Iterable[Markup]:
    """Learning curves and importance of what is measured, as far as a training has left them."""
    if importance is not None and importance.is_file():
        yield html.heading("What does it go by?")
        yield html.figure(
            plots_cells.importance(read_importance(importance)),
            "How far the AUROC on validation persons falls when a group of what is "
            "measured is dealt out anew among the cells, with the range of 95 % of repeats "
            "that draw the persons anew as well. Where groups say the same, each seems worth "
            "little; below 0 a group misleads the model on these persons.",
            "Importance of what is measured",
        )
    if learning_log is not None and learning_log.is_file():
        yield html.heading("How it learned")
        yield html.figure(
            plots_cells.learning_curves(read_table(learning_log)),
            "Learning curves. Where validation turns away from training, the model learns its "
            "persons by heart.",
            "Learning curves",
        )
