"""Read a cohort: the official C-NMC tree in any copy, a folder per class, or a table."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.tables import SUFFIXES as TABLE_SUFFIXES
from leukoscope.core.wording import count
from leukoscope.data.class_words import CLASS_WORDS, how_to_name
from leukoscope.data.cnmc.cnmc import (
    ALL,
    HEM,
    LABEL_NAMES,
    PRELIMINARY,
    UNKNOWN,
    fold_of,
    parse_name,
)
from leukoscope.data.cohort import Cohort, make_cohort, read_cohort_table, require_cells
from leukoscope.data.ids import id_notes
from leukoscope.data.imaging.other_files import HEAD_BYTES, archive_kind
from leukoscope.data.label_conflicts import LABEL_CONFLICT, refuse_swapped
from leukoscope.data.missing import why_not_found
from leukoscope.data.options import NO_OPTIONS, ReadingOptions
from leukoscope.data.overview.describe import describe
from leukoscope.data.readers.label_check import check_labels
from leukoscope.data.readers.label_file import Entry, find_label_file, read_label_file
from leukoscope.data.readers.tree import Tree, walk
from leukoscope.data.unused_options import check_pattern, check_words, refuse_columns

__all__ = ["describe", "read_cohort"]

CLASS_FOLDERS = CLASS_WORDS
"""Folder names that give a class, in any case. For another name the class is not guessed."""


def read_cohort(
    source: Path | str,
    *,
    labels: Path | str | None = None,
    options: ReadingOptions = NO_OPTIONS,
) -> Cohort:
    """Read a data set.

    The source is the official tree, whole or in part, with or without its upper folders; a folder
    per class (`CLASS_FOLDERS`); or a .csv, .jsonl or .parquet table with path, label and, if known,
    subject. If the folder and the name of an image give different classes, or the label file and
    the original name do, the label is unknown and the image gets the flag "label-conflict".

    Args:
        source: Folder or table.
        labels: CSV of the preliminary set, or a table of path and label, if it is not inside the
            folder.
        options: Words for the classes, headings of a table, and the pattern of subjects.

    Returns:
        The cohort with absolute paths, in natural order for a folder, and notes on skipped files.

    Raises:
        CohortError: The source is absent, has no image, or has images of unknown class.
    """
    source = Path(source).expanduser()
    try:
        if source.is_dir():
            return _read_tree(walk(Path(os.path.abspath(source))), labels, options)
        exists = source.is_file()
    except (OSError, ValueError) as error:
        raise CohortError(f"{source}: cannot be read ({error}).") from error
    if not exists:
        raise CohortError(f"{source}: no such folder or table.")
    if source.suffix.lower() not in TABLE_SUFFIXES:
        try:
            with source.open("rb") as file:
                kind = archive_kind(file.read(HEAD_BYTES))
        except OSError as error:
            raise CohortError(f"{source}: cannot be read ({error.strerror}).") from error
        unpack = f"a {kind} archive; unpack it first, and " if kind else ""
        raise CohortError(
            f"{source}: {unpack}give a folder of images or a table ({', '.join(TABLE_SUFFIXES)})."
        )
    if labels is not None:
        raise CohortError(f"{source}: a table contains its labels; omit {labels}.")
    cohort = read_cohort_table(source, options)
    require_cells(cohort)
    return note_missing(check_labels(cohort, options.words))


def note_missing(cohort: Cohort) -> Cohort:
    """Add a note if files of a table do not exist, with the probable cause."""
    missing = [path for path in cohort.paths if not os.path.lexists(path)]
    if not missing:
        return cohort
    cause = why_not_found(missing[0], cohort.source)
    note = f"{len(missing)} of {len(cohort)} images do not exist, first {missing[0]}. {cause}"
    return replace(cohort, notes=(*cohort.notes, note))


def _read_tree(tree: Tree, labels: Path | str | None, options: ReadingOptions) -> Cohort:
    notes = list(tree.notes)
    refuse_columns(options, tree.root)
    check_words(options, tree.root, {part for image in tree.images for part in image.parts[:-1]})
    folds = [fold_of((*tree.root.parts[-2:], *image.parts[:-1])) for image in tree.images]
    names = [parse_name(image.name) for image in tree.images]
    by_folder = _folder_labels(tree, folds, {**CLASS_FOLDERS, **options.words})
    label, flags = [], []
    for name, folder_label in zip(names, by_folder, strict=True):
        conflict = name is not None and folder_label not in (UNKNOWN, name.label)
        label.append(folder_label if name is None else UNKNOWN if conflict else name.label)
        flags.append(LABEL_CONFLICT if conflict else "")
    known = ["" if name is None else name.subject for name in names]
    check_pattern(options, tree.root, [tree.root / image for image in tree.images], known)
    subject = [
        options.subject_of(tree.root / image) if name is None else name.subject
        for image, name in zip(tree.images, names, strict=True)
    ]
    listed = _rows_of_label_file(names, folds, by_folder)
    named = [row for row, name in enumerate(names) if name is not None and by_folder[row] >= 0]
    conflicts = [row for row in named if flags[row]]
    if conflicts:
        first = tree.images[conflicts[0]]
        refuse_swapped(tree.root, len(conflicts), len(named), first, swapped="the class folders")
    entries, file = _entries(tree, labels, bool(listed))
    for row in listed:
        entry = entries.get(tree.images[row].name)
        if entry is not None:
            label[row], subject[row] = entry.label, entry.subject
            flags[row] = LABEL_CONFLICT if entry.conflict else ""
    notes += _join_notes(tree, listed, entries, file)
    may_be_unknown = set(listed) if entries else set()
    unknown = [
        row
        for row, (value, flag, fold) in enumerate(zip(label, flags, folds, strict=True))
        if value == UNKNOWN
        and not flag
        and fold not in ("prelim", "final")
        and row not in may_be_unknown
    ]
    if unknown:
        raise _unknown_class(tree, unknown)
    notes += _remarks(tree, folds, label, flags)
    notes += id_notes(subject)
    table = {
        "path": [str(tree.root / image) for image in tree.images],
        "label": np.array(label, dtype=np.int8),
        "subject": subject,
        "fold": folds,
        "flags": flags,
    }
    return make_cohort(table, source=str(tree.root), notes=notes)


def _folder_labels(tree: Tree, folds: Sequence[str], words: Mapping[str, int]) -> list[int]:
    """Class of each image by its folders, innermost first.

    A folder that contains class folders is not a class folder itself.
    """
    folders = {
        Path(*image.parts[: depth + 1])
        for image in tree.images
        for depth in range(len(image.parts) - 1)
    }
    named = {folder for folder in folders if folder.name.strip().lower() in words}
    around = {parent for folder in named for parent in folder.parents}
    labels = []
    for image, fold in zip(tree.images, folds, strict=True):
        inner = next((f for f in image.parents if f in named and f not in around), None)
        official = fold in ("prelim", "final")
        labels.append(UNKNOWN if inner is None or official else words[inner.name.strip().lower()])
    return labels


def _rows_of_label_file(
    names: Sequence[object], folds: Sequence[str], by_folder: Sequence[int]
) -> list[int]:
    """Rows that a label file describes.

    The final test set has the same file names as the preliminary one, and no labels.
    """
    preliminary = [row for row, fold in enumerate(folds) if fold == "prelim" and names[row] is None]
    if preliminary:
        return preliminary
    rows = zip(names, folds, by_folder, strict=True)
    return [
        row
        for row, (name, fold, label) in enumerate(rows)
        if name is None and fold != "final" and label == UNKNOWN
    ]


def _entries(
    tree: Tree, labels: Path | str | None, wanted: bool
) -> tuple[dict[str, Entry], Path | None]:
    if labels is not None:
        return read_label_file(labels), Path(labels)
    beside = tree.root.parent if tree.root.name.lower() == PRELIMINARY.lower() else tree.root
    file = find_label_file(beside, tree.tables) if wanted else None
    return ({}, None) if file is None else (read_label_file(file), file)


def _join_notes(
    tree: Tree, listed: Sequence[int], entries: dict[str, Entry], file: Path | None
) -> list[str]:
    present = [tree.images[row].name for row in listed]
    if file is None:
        without = f"{count(len(present), 'image', 'has')} no label: no label file was found."
        return [without] if present else []
    absent = [name for name in entries if name not in set(present)]
    if len(absent) == len(entries):
        raise CohortError(
            f"{file}: lists none of the images below {tree.root} (it lists "
            f"{_first(absent) or 'no image at all'}); give the label file of these images."
        )
    unnamed = [name for name in present if name not in entries]
    notes = (
        [f"Absent: {count(len(absent), 'image')} that {file.name} lists: {_first(absent)}."]
        if absent
        else []
    )
    return notes + (
        [f"{file.name} does not list {count(len(unnamed), 'image')}: {_first(unnamed)}."]
        if unnamed
        else []
    )


def _unknown_class(tree: Tree, rows: Sequence[int]) -> CohortError:
    folders = Counter(str(tree.images[row].parent) for row in rows)
    places = ", ".join(
        f"{'the folder itself' if name == '.' else name + '/'} ({number})"
        for name, number in folders.most_common(5)
    )
    known = {
        LABEL_NAMES[label]: "/, ".join(n for n, value in CLASS_FOLDERS.items() if value == label)
        for label in (ALL, HEM)
    }
    return CohortError(
        f"{tree.root}: the class of {count(len(rows), 'image')} is unknown, in {places}. "
        f"Name a folder per class {known['ALL']}/ (leukemic) or {known['HEM']}/ (normal), "
        "in any case, use official file names, or give a table of path and label. "
        + how_to_name(sorted({tree.images[row].parent.name for row in rows} - {""}))
    )


def _remarks(
    tree: Tree, folds: Sequence[str], label: Sequence[int], flags: Sequence[str]
) -> list[str]:
    notes = []
    conflicts = [str(image) for image, flag in zip(tree.images, flags, strict=True) if flag]
    if conflicts:
        notes.append(
            f"{count(len(conflicts), 'image', 'has')} contradictory classes (mislabeled?); the "
            f"label is set to unknown: {_first(conflicts)}."
        )
    rows = zip(tree.images, folds, strict=True)
    names = Counter(image.name for image, fold in rows if fold not in ("prelim", "final"))
    twice = [name for name, number in names.items() if number > 1]
    if twice:
        notes.append(
            f"{count(len(twice), 'file name', 'occurs')} in more than one folder: {_first(twice)}."
        )
    for value in (ALL, HEM):
        if value not in label:
            notes.append(f"There is no {LABEL_NAMES[value]} cell; training needs both classes.")
    return notes


def _first(names: Sequence[str], shown: int = 3) -> str:
    return ", ".join(names[:shown]) + (", ..." if len(names) > shown else "")
