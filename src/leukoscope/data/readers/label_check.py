"""Check labels against the official images, names, class folders and label files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.shell_words import pair_option
from leukoscope.data.class_words import CLASS_WORDS, label_of
from leukoscope.data.cnmc.cnmc import ALL, HEM, UNKNOWN, fold_of, parse_name
from leukoscope.data.cohort import Cohort
from leukoscope.data.label_conflicts import (
    REVIEWER,
    check_official,
    without_contradicted,
)
from leukoscope.data.readers.label_file import OFFICIAL_NAME, read_label_file
from leukoscope.data.words import other_columns


def check_labels(cohort: Cohort, words: Mapping[str, int] | None = None) -> Cohort:
    """Check the labels of a table against its paths, its column `official` and its other classes.

    A contradicted label becomes unknown with the flag "label-conflict", as in a folder. A table
    with a column `reviewer`, such as a cohort from reviewed cells, is not checked: its labels are
    meant to correct the names.

    Args:
        cohort: The table.
        words: Further words for the classes, in lower case.

    Raises:
        CohortError: Most labels are contradicted, so the class numbers are probably swapped.
    """
    if "official" in cohort:
        cohort = check_official(cohort)
    if REVIEWER in cohort:
        return cohort
    by = "names, folders or label file of their images"
    cohort = without_contradicted(cohort, _named(cohort.paths), by)
    for heading in other_columns(cohort, "label"):
        stated = [label_of(word, words) for word in cohort[heading]]
        labels = np.array([UNKNOWN if label is None else label for label in stated], np.int8)
        values = f"values of the column {heading!r}"
        choice = f"{values} (to choose one: {pair_option('--columns', 'label', heading)})"
        cohort = without_contradicted(cohort, labels, values, choice)
    return cohort


def _named(paths: Sequence[Path]) -> np.ndarray:
    """The label by name, else by label file, else by class folder; int8 (n,)."""
    names = [parse_name(path.name) for path in paths]
    folders = _by_folder(paths)
    files: dict[Path, dict[str, int]] = {}
    labels = []
    for path, name, folder in zip(paths, names, folders, strict=True):
        if name is not None:
            labels.append(name.label)
            continue
        if path.parent not in files:
            files[path.parent] = _label_file(path.parent)
        labels.append(files[path.parent].get(path.name, folder))
    return np.array(labels, dtype=np.int8)


def _by_folder(paths: Sequence[Path]) -> list[int]:
    """The label by the innermost class folder, if there are folders of both classes."""
    known: dict[Path, int] = {}
    for parent in {path.parent for path in paths}:
        words = (CLASS_WORDS.get(part.strip().lower()) for part in reversed(parent.parts))
        known[parent] = next((label for label in words if label is not None), UNKNOWN)
    if not {ALL, HEM} <= set(known.values()):
        return [UNKNOWN] * len(paths)
    return [
        UNKNOWN if fold_of(path.parent.parts) in ("prelim", "final") else known[path.parent]
        for path in paths
    ]


def _label_file(folder: Path) -> dict[str, int]:
    """Labels by the official label file of a folder of the preliminary set."""
    if fold_of(folder.parts) != "prelim":
        return {}
    for file in (folder / OFFICIAL_NAME, folder.parent / OFFICIAL_NAME):
        if file.is_file():
            try:
                return {name: entry.label for name, entry in read_label_file(file).items()}
            except CohortError:
                return {}  # the reader of the tree reports it
    return {}
