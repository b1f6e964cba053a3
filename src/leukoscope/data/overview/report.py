"""`data report`: one page that gives an overview of a cohort.

It has counts, sample cells at one scale, plots of size, sharpness and color by class and by person,
the performance of cell size alone, and a list of outliers. The page contains images of the data
set, so it stays on the user's disk, under the license of the data.
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
from leukoscope.data.overview.not_checked import not_checked
from leukoscope.data.overview.outliers import LIMIT, auroc, outlier_reasons
from leukoscope.data.synthetic.notice import synthetic_notice

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE_NAME = "data-report.html"
TABLE_NAME = "measurements.csv"
_SAMPLES = 48
_OUTLIER_IMAGES = 24
_OUTLIER_ROWS = 300


def write_report(cohort: Cohort, out: Path | str, *, jobs: int = 2, seed: int = 0) -> Path:
    """Measure a cohort and write `data-report.html` and `measurements.csv` into a folder.

    Args:
        cohort: The cells, with the persons of the audit if there was one.
        out: Folder for the files; created if absent.
        jobs: Number of threads for the measurements.
        seed: Random seed for the sample cells.

    Returns:
        The path of the page.

    Raises:
        CohortError: The cohort is empty.
        MissingExtraError: The `train` extra is not installed.
    """
    if not len(cohort):
        raise CohortError(f"{cohort.source}: the cohort is empty; check the folder or the table.")
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
        *not_checked(cohort, measured, TABLE_NAME),
        *_counts(measured),
        *_persons_and_folds(measured),
        *_samples(cohort, measured, seed),
        *_size(measured),
        *_shape_and_color(measured),
        *_outliers(cohort, measured),
        html.paragraph(f"{TABLE_NAME}, next to this page, has all measurements of all cells."),
    ]
    return html.write_page(out / PAGE_NAME, "Data report", parts, subtitle=cohort.source)


def _counts(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    label, folds = measured["label"], _names(measured["fold"])
    yield html.heading("Counts")
    rows = []
    for value, title in plots.CLASSES.items():
        if (mask := label == value).any():
            rows.append([title, *_tally(measured, mask)])
    rows.append(["all", *_tally(measured, np.ones(len(label), dtype=bool))])
    yield html.table(["Class", "Images", "Subjects", "Persons"], rows)
    if not _names(measured["subject"]):
        yield html.note(
            "The subjects are unknown. Without subjects a split over persons is not possible, and "
            "a metric on these images says little about new persons.",
            "warning",
        )
    elif (measured["person"] == measured["subject"]).all():
        yield html.note(
            "Each subject id counts as one person. The audit finds ids that share cells; make the "
            "report of the table that it writes to see its persons here."
        )
    if folds:
        yield html.figure(
            plots.counts_by_fold(measured, _panels(measured)),
            "Images by fold and class",
            "Bars by fold",
        )


def _persons_and_folds(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    persons, folds = _names(measured["person"]), _names(measured["fold"])
    if not persons:
        return
    yield html.heading("Persons")
    yield html.figure(
        plots.counts_by_person(measured), "Images of each person", "Bars, one for each person"
    )
    aliases = {name: _names(measured["subject"][measured["person"] == name]) for name in persons}
    if linked := [[name, ", ".join(ids)] for name, ids in aliases.items() if len(ids) > 1]:
        yield html.table(["Person", "Subject ids"], linked, "Persons under several subject ids")
    if len(folds) < 2:
        return
    counts = np.array(
        [
            [((measured["person"] == name) & (measured["fold"] == fold)).sum() for fold in folds]
            for name in persons
        ]
    )
    yield html.heading("Persons and folds", 3)
    straddling = np.flatnonzero((counts > 0).sum(axis=1) > 1)
    if straddling.size:
        names = ", ".join(persons[row] for row in straddling)
        yield html.note(
            f"In more than one fold: {straddling.size} of {len(persons)} persons ({names}). A "
            "metric from these folds includes persons from the training data.",
            "warning",
        )
    else:
        yield html.paragraph("No person is in more than one fold.")
    yield html.figure(
        plots.persons_by_fold(persons, folds, counts),
        "Persons in the folds",
        "Dots: images of each person in each fold",
    )
    table = [[persons[row], *(f"{count:,}" for count in counts[row])] for row in straddling]
    if table:
        yield html.table(
            ["Person", *map(plots.fold_name, folds)], table, "Persons in more than one fold"
        )


def _samples(cohort: Cohort, measured: dict[str, np.ndarray], seed: int) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    crop = samples.common_crop(measured)
    yield html.heading("Cells at one scale")
    yield html.paragraph(
        f"A random sample, balanced over the persons. Each square is {crop.crop} px of the "
        "original image wide, so sizes can be compared. The images belong to the data set: do not "
        "share this page, or share it under the license of the data."
    )
    random = np.random.default_rng(seed)
    for label, title in plots.CLASSES.items():
        rows = np.flatnonzero((measured["label"] == label) & (measured["area"] > 0))
        chosen = samples.take_turns(rows, measured["person"][rows], _SAMPLES, random)
        if chosen.size:
            yield html.image_grid(samples.pictures(cohort, chosen, crop), title, samples.THUMBNAIL)


def _size(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    blasts, normal = plots.areas_by_class(measured)
    persons = _names(measured["person"])
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


def _shape_and_color(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    yield html.heading("Shape, color and sharpness")
    yield html.figure(
        plots.distributions(measured),
        "Each class is scaled to its number of cells. Measured on the pixels of the cell only.",
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
        f"{rows.size:,} of {len(reasons):,} images are outliers: the logarithm of area, sharpness "
        f"or a mean color is more than {LIMIT:g} robust standard deviations from the median of the "
        "class, the cell has several pieces or touches the border, the border is not black, or "
        "there is no cell. Unusual is not wrong: look at an image before you exclude it."
    )
    if not rows.size:
        return
    seen = rows[measured["area"][rows] > 0]
    shown = seen[np.linspace(0, seen.size - 1, min(_OUTLIER_IMAGES, seen.size)).astype(int)]
    if shown.size:
        crop = samples.common_crop(measured, 100)
        title = f"A sample of the outliers, in squares of {crop.crop} px of the original image"
        yield html.image_grid(samples.pictures(cohort, shown, crop), title, samples.THUMBNAIL)
    yield html.table(
        ["Image", "Class", "Person", "Reason"],
        [
            [
                Path(str(measured["path"][row])).name,
                LABEL_NAMES[int(measured["label"][row])],
                measured["person"][row],
                reasons[row],
            ]
            for row in rows[:_OUTLIER_ROWS]
        ],
        f"The first {_OUTLIER_ROWS}; {TABLE_NAME} lists all" if rows.size > _OUTLIER_ROWS else "",
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


def _tally(measured: dict[str, np.ndarray], mask: np.ndarray) -> list[str]:
    subjects, persons = _names(measured["subject"][mask]), _names(measured["person"][mask])
    return [f"{mask.sum():,}", f"{len(subjects):,}", f"{len(persons):,}"]


def _panels(measured: dict[str, np.ndarray]) -> list[str]:
    """The folds, and "" if some images have no fold."""
    return _names(measured["fold"]) + [""] * bool((measured["fold"] == "").any())


def _names(column: np.ndarray) -> list[str]:
    """Distinct values of a text column except "", in natural order."""
    return sorted({str(value) for value in column} - {""}, key=natural_key)
