"""Sections of the data report on measurements: size, shape, color and sharpness."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.data.cohort import ALL, HEM
from leukoscope.data.overview.outliers import auroc
from leukoscope.data.overview.report_counts import distinct, panels

if TYPE_CHECKING:
    from markupsafe import Markup


def size(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    """Area by class, fold and person, and the performance of area alone."""
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    blasts, normal = plots.areas_by_class(measured)
    persons = distinct(measured["person"])
    yield html.heading("Size")
    if blasts.size and normal.size:
        ratio = np.median(blasts) / np.median(normal)
        text = (
            f"The median ALL cell has {ratio:.2f} times the area of the median HEM cell. Area "
            f"alone separates the classes with an AUROC of {auroc(blasts, normal):.3f} over cells"
        )
        medians = _medians(measured, "area")
        if medians[ALL] and medians[HEM]:
            value = auroc(medians[ALL], medians[HEM])
            text += (
                f", and of {value:.3f} over the median areas of {len(medians[ALL])} ALL and "
                f"{len(medians[HEM])} HEM persons. The cells of one person are similar, so the "
                "sample size of both values is the number of persons, not of cells"
            )
        yield html.paragraph(text + ".")
        yield html.note(
            "Size is diagnostic, and it is also a shortcut: a model that relies on it predicts "
            "leukemia for a healthy person with large cells. Compare the metrics of any model with "
            "those of area."
        )
        yield html.figure(
            plots.size_overlap(measured, panels(measured)),
            "Cell area by class and fold",
            "Histograms of area",
        )
    if persons:
        yield html.figure(
            plots.by_person(measured, "area"),
            "Cell area by person: median, quartiles, 5th to 95th percentile",
            "A line for each person",
        )


def shape_and_color(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    """Distributions of the other measurements, by class and by person."""
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    yield html.heading("Shape, color and sharpness")
    yield html.figure(
        plots.distributions(measured),
        "Each class is scaled to its number of cells. Measured on the pixels of the cell only.",
        "Histograms of eight measurements by class",
    )
    if distinct(measured["person"]):
        for name, title in (
            ("sharpness", "Sharpness"),
            ("saturation", "Saturation"),
            ("red", "Red"),
        ):
            yield html.figure(
                plots.by_person(measured, name),
                f"{title} by person: median, quartiles, 5th to 95th percentile",
                "A line for each person",
            )


def _medians(measured: dict[str, np.ndarray], name: str) -> dict[int, list[float]]:
    """Medians of a measurement over the cells of each person, by class."""
    usable = (measured["area"] > 0) & (measured["person"] != "")
    medians: dict[int, list[float]] = {}
    for label in (ALL, HEM):
        of_class = usable & (measured["label"] == label)
        medians[label] = [
            float(np.median(measured[name][of_class & (measured["person"] == person)]))
            for person in np.unique(measured["person"][of_class])
        ]
    return medians
