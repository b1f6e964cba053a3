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
    """Discrimination and calibration."""
    label, p, point = table.label, table.p, evaluation.operating_point
    metrics, calibration = evaluation.metrics, evaluation.calibration
    if evaluation.cells["ALL"] and evaluation.cells["HEM"]:
        bands = curve_bands(
            label, p, table.person, replicates=evaluation.replicates, seed=evaluation.seed
        )
        yield html.heading("How well does it separate the classes?")
        yield html.figure(
            plots.roc_curve(label, p, point.threshold, auroc=metrics["auroc"], band=bands["roc"]),
            "ROC curve: each threshold trades leukemic cells found against normal cells predicted "
            "as leukemic.",
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
            "Precision and recall: the fraction of ALL predictions that are correct, as more of "
            "the leukemic cells are found.",
            "Precision-recall curve",
        )
    yield html.heading("Can the probabilities be trusted?")
    if calibration.ece_untempered is not None and calibration.nll_untempered is not None:
        chosen_on = evaluation.protocol.chosen_on.get("temperature", "validation")
        yield html.paragraph(
            f"The temperature {evaluation.protocol.temperature:.3f}, fitted on the {chosen_on} "
            "subset, changed the calibration error on these cells from "
            f"{calibration.ece_untempered:.3f} to {calibration.ece:.3f} and the log loss from "
            f"{calibration.nll_untempered:.3f} to "
            f"{calibration.nll:.3f}. It does not change the ranking." + _by_person(calibration)
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
        "Reliability: on the dotted line, 8 of 10 cells with a probability of 0.8 are ALL. Above "
        "it, the probabilities are too low; below it, too high.",
        "Reliability diagram",
    )


def _by_person(calibration: Calibration) -> str:
    """The same with equal weights of persons, since one person with many cells can hide others."""
    before, after = calibration.person_ece_untempered, calibration.person_ece
    if before is None or after is None:
        return ""
    return (
        " With the same weight for every person, as in the fit, the calibration error changed "
        f"from {before:.3f} to {after:.3f}."
    )


def persons(evaluation: Evaluation, table: CellTable) -> Iterable[Markup]:
    """The cells of each person and the fraction classified correctly; empty without persons."""
    if not evaluation.persons:
        return
    yield html.heading("Results by person")
    yield html.figure(
        person_strip(
            table.label,
            table.p,
            table.person,
            evaluation.persons,
            evaluation.operating_point.threshold,
        ),
        "Each dot is a cell. ALL cells to the right of the line and normal cells to its left are "
        "classified correctly. The worst persons come first.",
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
        "Correct",
        "Fraction",
        "95 % (Wilson)",
        "Mean probability",
    ]
    yield html.table(
        headers,
        rows,
        caption="The fraction is the sensitivity for a person with ALL and the specificity for a "
        "person with normal cells. Its Wilson interval is for further cells of this person, taken "
        "as independent.",
    )


def errors(
    evaluation: Evaluation, table: CellTable, read_image: ReadImage | None
) -> Iterable[Markup]:
    """The most confident errors, with their images if they can be read."""
    if table.path is None:
        return
    worst = confident_errors(
        table.label, table.p, evaluation.operating_point.threshold, ERRORS_SHOWN
    )
    yield html.heading("Most confident errors")
    if not any(len(index) for index in worst):
        yield html.paragraph("Every cell was classified correctly.")
    titles = (
        "ALL cells predicted as normal, the lowest probability first.",
        "Normal cells predicted as ALL, the highest probability first.",
    )
    for index, title in zip(worst, titles, strict=True):
        captions = [
            f"{Path(str(table.path[i])).name} · person {table.person[i]} · p = {table.p[i]:.3f}"
            for i in index
        ]
        images = []
        for i, caption in zip(index, captions, strict=True):
            image = _image(read_image, str(table.path[i]))
            if image is not None:
                images.append((image, caption))
        if images:
            yield html.image_grid(images, title)
        elif captions:
            yield html.table([title], [[caption] for caption in captions])


def _image(read_image: ReadImage | None, path: str) -> NDArray[np.uint8] | None:
    """An image, or None if its file is gone: the report is useful without it."""
    try:
        return None if read_image is None else read_image(path)
    except (LeukoscopeError, OSError):
        return None


def size_and_benefit(table: CellTable) -> Iterable[Markup]:
    """Dependence on size, if areas are known, and the decision curve."""
    label, p = table.label, table.p
    if table.area is not None:
        yield html.heading("Does it depend on cell size?")
        yield html.figure(
            plots_cells.size_dependence(label, p, table.area),
            "Blasts are larger on average. A curve that rises within one class shows that the "
            "model relies on size, and predicts large normal cells as leukemic.",
            "Probability of ALL against cell area",
        )
    yield html.heading("Is it worth acting on its predictions?")
    yield html.figure(
        plots.decision_curve(label, p),
        "Decision curve. A low threshold probability represents a reader for whom a missed blast "
        "is far worse than a false alarm. The model is useful where its line is above both others, "
        "given the fraction of ALL in this data set.",
        "Decision curve",
    )


def training(learning_log: Path | None, importance: Path | None) -> Iterable[Markup]:
    """Learning curves and importance of descriptors, if the training wrote them."""
    if importance is not None and importance.is_file():
        yield html.heading("Which descriptors matter?")
        yield html.figure(
            plots_cells.importance(read_importance(importance)),
            "Permutation importance: the decrease of the AUROC on validation persons when the "
            "values of a group of descriptors are permuted among the cells, with the range of 95 % "
            "of repeats, which also resample the persons. If groups carry the same information, "
            "each seems unimportant; a group below 0 misleads the model on these persons.",
            "Importance of descriptors",
        )
    if learning_log is not None and learning_log.is_file():
        yield html.heading("Learning curves")
        yield html.figure(
            plots_cells.learning_curves(read_table(learning_log)),
            "Metrics by epoch. Where validation departs from training, the model overfits to its "
            "training persons.",
            "Learning curves",
        )
