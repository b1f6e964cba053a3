"""Sections of the data report on numbers: images, subjects, persons and folds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.core.files import natural_key

if TYPE_CHECKING:
    from markupsafe import Markup


def counts(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    """Number of images, subjects and persons, by class and by fold."""
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    label, folds = measured["label"], distinct(measured["fold"])
    yield html.heading("Counts")
    rows = []
    for value, title in plots.CLASSES.items():
        if (mask := label == value).any():
            rows.append([title, *_tally(measured, mask)])
    rows.append(["all", *_tally(measured, np.ones(len(label), dtype=bool))])
    yield html.table(["Class", "Images", "Subjects", "Persons"], rows)
    if not distinct(measured["subject"]):
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
            plots.counts_by_fold(measured, panels(measured)),
            "Images by fold and class",
            "Bars by fold",
        )


def persons_and_folds(measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    """Images of each person, and the persons in more than one fold.

    Nothing where the persons are unknown.
    """
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    persons, folds = distinct(measured["person"]), distinct(measured["fold"])
    if not persons:
        return
    yield html.heading("Persons")
    yield html.figure(
        plots.counts_by_person(measured), "Images of each person", "Bars, one for each person"
    )
    aliases = {name: distinct(measured["subject"][measured["person"] == name]) for name in persons}
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


def panels(measured: dict[str, np.ndarray]) -> list[str]:
    """The folds, and "" if some images have no fold."""
    return distinct(measured["fold"]) + [""] * bool((measured["fold"] == "").any())


def distinct(column: np.ndarray) -> list[str]:
    """Distinct values of a text column except "", in natural order."""
    return sorted({str(value) for value in column} - {""}, key=natural_key)


def _tally(measured: dict[str, np.ndarray], mask: np.ndarray) -> list[str]:
    subjects, persons = distinct(measured["subject"][mask]), distinct(measured["person"][mask])
    return [f"{mask.sum():,}", f"{len(subjects):,}", f"{len(persons):,}"]
