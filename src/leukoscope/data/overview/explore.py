"""`data report`: one page for whoever meets a cohort for the first time.

It counts, shows cells at one true scale, draws how large, sharp and colored they are by class and
by person, says what size alone would tell, and lists what looks odd. The page holds pictures of
the data: it is for the user's own disk, under the license of the data.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.core.errors import CohortError, missing_extra
from leukoscope.core.files import natural_key
from leukoscope.core.tables import write_table
from leukoscope.data.cohort import ALL, HEM, LABEL_NAMES, Cohort
from leukoscope.data.overview import samples
from leukoscope.data.overview.measure import measure_cells
from leukoscope.data.overview.outliers import LIMIT, auroc, outlier_reasons
from leukoscope.data.synthetic.notice import synthetic_notice

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE_NAME = "data-report.html"
TABLE_NAME = "measurements.csv"
_SAMPLES = 48
_ODD_PICTURES = 24
_ODD_ROWS = 300


def explore(cohort: Cohort, out: Path | str, *, jobs: int = 2, seed: int = 0) -> Path:
    """Measure a cohort and write `data-report.html` and `measurements.csv` into a folder.

    Args:
        cohort: The cells; persons as the audit left them.
        out: The folder, made if need be.
        jobs: Threads that measure.
        seed: Draws the cells of the sample sheets.

    Returns:
        The path of the page.

    Raises:
        CohortError: if the cohort is empty.
        MissingExtraError: if the `train` extra is not installed.
    """
    if not len(cohort):
        raise CohortError(f"{cohort.source}: no cell to report on. Check the folder or the table.")
    try:
        from leukoscope.core import html
    except ImportError as error:
        raise missing_extra("data report", error) from error
    out = Path(out)
    measured = measure_cells(cohort, jobs)
    measured["outlier"] = outlier_reasons(measured)
    names = [LABEL_NAMES[int(label)] for label in measured["label"]]
    write_table(out / TABLE_NAME, {**measured, "label": names})
    parts = [
        *synthetic_notice(cohort),
        *_counts(measured),
        *_persons_and_folds(measured),
        *_samples(cohort, measured, seed),
        *_size(measured),
        *_looks(measured),
        *_outliers(cohort, measured),
        html.paragraph(f"Every measurement of every cell is in {TABLE_NAME} beside this page."),
    ]
    return html.write_page(out / PAGE_NAME, "Data report", parts, subtitle=cohort.source)


def _counts(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import explore_plots as plots

    label, folds = measured["label"], _names(measured["fold"])
    yield html.heading("What is here")
    rows = []
    for value, title in plots.CLASSES.items():
        if (mask := label == value).any():
            rows.append([title, *_tally(measured, mask)])
    rows.append(["together", *_tally(measured, np.ones(len(label), dtype=bool))])
    yield html.table(["Class", "Images", "Subjects", "Persons"], rows)
    if not _names(measured["subject"]):
        yield html.note(
            "No subject is known. Without subjects no split over persons is possible, and a score "
            "on these images says little about new persons.",
            "warning",
        )
    elif (measured["person"] == measured["subject"]).all():
        yield html.note(
            "Every subject id is taken for a person of its own. The audit finds ids that share "
            "cells; report on the table it writes to see its persons here."
        )
    if folds:
        yield html.figure(
            plots.counts_by_fold(measured, _panels(measured)),
            "Images by fold and class",
            "Bars by fold",
        )


def _persons_and_folds(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import explore_plots as plots

    persons, folds = _names(measured["person"]), _names(measured["fold"])
    if not persons:
        return
    yield html.heading("Persons")
    yield html.figure(
        plots.counts_by_person(measured), "Images of each person", "Bars, one for each person"
    )
    aliases = {one: _names(measured["subject"][measured["person"] == one]) for one in persons}
    if linked := [[one, ", ".join(ids)] for one, ids in aliases.items() if len(ids) > 1]:
        yield html.table(["Person", "Subject ids"], linked, "Persons under several subject ids")
    if len(folds) < 2:
        return
    counts = np.array(
        [
            [((measured["person"] == one) & (measured["fold"] == fold)).sum() for fold in folds]
            for one in persons
        ]
    )
    yield html.heading("Persons and folds", 3)
    straddling = np.flatnonzero((counts > 0).sum(axis=1) > 1)
    if straddling.size:
        names = ", ".join(persons[row] for row in straddling)
        yield html.note(
            f"In more than one fold: {straddling.size} of {len(persons)} persons ({names}). A "
            "score from these folds rests in part on persons the model has seen.",
            "warning",
        )
    else:
        yield html.paragraph("No person stands in more than one fold.")
    yield html.figure(
        plots.persons_by_fold(persons, folds, counts),
        "Persons in the folds",
        "Dots: which person has images in which fold",
    )
    table = [[persons[row], *(f"{count:,}" for count in counts[row])] for row in straddling]
    if table:
        yield html.table(["Person", *map(plots.fold_name, folds)], table, "Who straddles")


def _samples(cohort: Cohort, measured: dict[str, np.ndarray], seed: int) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import explore_plots as plots

    crop = samples.common_crop(measured)
    yield html.heading("Cells at one scale")
    yield html.paragraph(
        f"Drawn at random, taking turns over the persons. Every square is {crop.crop} px of the "
        "original image wide, so sizes can be compared. The pictures belong to the data set: keep "
        "this page to yourself or share it under the data's license."
    )
    random = np.random.default_rng(seed)
    for label, title in plots.CLASSES.items():
        rows = np.flatnonzero((measured["label"] == label) & (measured["area"] > 0))
        chosen = samples.take_turns(rows, measured["person"][rows], _SAMPLES, random)
        if chosen.size:
            yield html.image_grid(samples.pictures(cohort, chosen, crop), title, samples.THUMBNAIL)


def _size(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import explore_plots as plots

    blasts, normal = plots.areas_by_class(measured)
    persons = _names(measured["person"])
    yield html.heading("Size")
    if blasts.size and normal.size:
        ratio = np.median(blasts) / np.median(normal)
        text = (
            f"The median ALL cell has {ratio:.2f} times the area of the median HEM cell. Area "
            f"alone tells the classes apart with an AUROC of {auroc(blasts, normal):.3f} over cells"
        )
        medians = _medians(measured, "area")
        if medians[ALL] and medians[HEM]:
            value = auroc(medians[ALL], medians[HEM])
            text += (
                f", and of {value:.3f} over the median areas of {len(medians[ALL])} ALL and "
                f"{len(medians[HEM])} HEM persons. The cells of one person resemble each other, so "
                "both figures rest on that many persons, however many cells there are"
            )
        yield html.paragraph(text + ".")
        yield html.note(
            "Size carries diagnosis and is a shortcut too: a model that leans on it calls a "
            "healthy person with large cells leukemic. Compare any model's figures with area's."
        )
        yield html.figure(
            plots.size_overlap(measured, _panels(measured)),
            "Cell area by class and fold",
            "Histograms of area",
        )
    if persons:
        yield html.figure(
            plots.by_person(measured, "area"),
            "Cell area by person: median, quartiles, 5th to 95th percentile",
            "A line for each person",
        )


def _looks(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import explore_plots as plots

    yield html.heading("Shape, color and sharpness")
    yield html.figure(
        plots.distributions(measured),
        "Each class scaled to its own number of cells; measured on the cell's pixels only",
        "Histograms of eight measurements by class",
    )
    if _names(measured["person"]):
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


def _outliers(cohort: Cohort, measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html

    reasons = measured["outlier"]
    rows = np.flatnonzero(reasons != "")
    yield html.heading("Outliers")
    yield html.paragraph(
        f"{rows.size:,} of {len(reasons):,} images stand out: a logarithm of area, sharpness or "
        f"mean color more than {LIMIT:g} robust standard deviations from the median of its class, "
        "several pieces, a cell at the border, a border that is not black, or no cell at all. "
        "Unusual is not wrong: look before leaving any out."
    )
    if not rows.size:
        return
    seen = rows[measured["area"][rows] > 0]
    shown = seen[np.linspace(0, seen.size - 1, min(_ODD_PICTURES, seen.size)).astype(int)]
    if shown.size:
        crop = samples.common_crop(measured, 100)
        title = f"Some of them, in squares of {crop.crop} px of the original image"
        yield html.image_grid(samples.pictures(cohort, shown, crop), title, samples.THUMBNAIL)
    yield html.table(
        ["Image", "Class", "Person", "Why"],
        [
            [
                Path(str(measured["path"][row])).name,
                LABEL_NAMES[int(measured["label"][row])],
                measured["person"][row],
                reasons[row],
            ]
            for row in rows[:_ODD_ROWS]
        ],
        f"The first {_ODD_ROWS}; the rest is in {TABLE_NAME}" if rows.size > _ODD_ROWS else "",
    )


def _medians(measured: dict[str, np.ndarray], name: str) -> dict[int, list[float]]:
    """Class -> the median of each of its persons."""
    usable = (measured["area"] > 0) & (measured["person"] != "")
    medians: dict[int, list[float]] = {}
    for label in (ALL, HEM):
        of_class = usable & (measured["label"] == label)
        medians[label] = [
            float(np.median(measured[name][of_class & (measured["person"] == one)]))
            for one in np.unique(measured["person"][of_class])
        ]
    return medians


def _tally(measured: dict[str, np.ndarray], mask: np.ndarray) -> list[str]:
    subjects, persons = _names(measured["subject"][mask]), _names(measured["person"][mask])
    return [f"{mask.sum():,}", f"{len(subjects):,}", f"{len(persons):,}"]


def _panels(measured: dict[str, np.ndarray]) -> list[str]:
    """The folds, and "" where some images stand in none."""
    return _names(measured["fold"]) + [""] * bool((measured["fold"] == "").any())


def _names(column: np.ndarray) -> list[str]:
    """The distinct values of a text column but "", in natural order."""
    return sorted({str(value) for value in column} - {""}, key=natural_key)
