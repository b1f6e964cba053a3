"""Compare labels and subjects with what else is known of the images.

Names, folders and label files are known before an image is read (`readers.label_check`); the
equal official image, whatever its name, is known after hashing.
"""

from pathlib import Path, PurePosixPath

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.listing import listed
from leukoscope.core.wording import count
from leukoscope.data.cnmc.cnmc import LABEL_NAMES, UNKNOWN, CellName, parse_name
from leukoscope.data.cnmc.copies import SAME_PERSON, by_official_path
from leukoscope.data.cnmc.official import identical_files
from leukoscope.data.cohort import Cohort
from leukoscope.data.hashing import with_flags
from leukoscope.data.ids import id_key

LABEL_CONFLICT = "label-conflict"
REVIEWER = "reviewer"
"""Column of tables whose labels are reviews by people, as the app exports them."""
NAMES, OFFICIAL = "names", "official images of C-NMC 2019"
SHOWN = 3


def official_name(official: str) -> CellName | None:
    """The subject and class that an official path states; None if it states none.

    Images of the test sets are named by numbers only, unless a training image has their pixels.
    """
    if copy := by_official_path().get(official):
        official = copy.training
    return parse_name(PurePosixPath(official).name) if official else None


def official_ids(official: str) -> list[str]:
    """The subject ids under which an official image is in the data set; a few have two."""
    paths = sorted(identical_files().get(official, {official}))
    return [name.subject for name in map(official_name, paths) if name]


def official_labels(cohort: Cohort) -> np.ndarray:
    """The label by the official image that each cell is, int8 (N,); unknown for others."""
    if "official" not in cohort:
        return np.full(len(cohort), UNKNOWN, np.int8)
    names = map(official_name, cohort["official"])
    return np.array([name.label if name else UNKNOWN for name in names], np.int8)


def check_official(cohort: Cohort) -> Cohort:
    """Check labels and subjects against the official images that the cells are.

    Contradicted labels become unknown, as those that contradict a name. Subjects are only noted.

    Args:
        cohort: Cells with the column `official`.

    Raises:
        CohortError: Most labels are contradicted, so the class numbers are probably swapped.
    """
    if REVIEWER not in cohort:
        labels = official_labels(cohort)
        cohort = without_contradicted(cohort, labels, "official images that they are", OFFICIAL)
    # A table of an audit is checked again, and its notes must not repeat.
    notes = tuple(dict.fromkeys([*cohort.notes, *_subject_notes(cohort)]))
    return Cohort(cohort.columns, cohort.source, notes)


def without_contradicted(cohort: Cohort, known: np.ndarray, by: str, what: str = NAMES) -> Cohort:
    """Make contradicted labels unknown, with the flag "label-conflict" and a note.

    Args:
        cohort: The cells.
        known: (N,) labels by another origin, -1 where it states none.
        by: That origin, for the note.
        what: What states them, for the error.

    Raises:
        CohortError: Most labels are contradicted, so the class numbers are probably swapped.
    """
    labels = cohort["label"]
    compared = (labels != UNKNOWN) & (known != UNKNOWN)
    conflicts = np.flatnonzero(compared & (labels != known))
    if not len(conflicts):
        return cohort
    first, total = cohort["path"][conflicts[0]], int(np.sum(compared))
    refuse_swapped(cohort.source or "the table", len(conflicts), total, first, what=what)
    note = (
        f"{len(conflicts)} of {total} labels contradict the {by} and are set to unknown; first: "
        f"{first} (labeled {LABEL_NAMES[int(labels[conflicts[0]])]})."
    )
    labels, flags = labels.copy(), cohort["flags"].copy()
    labels[conflicts] = UNKNOWN
    for row in conflicts:
        flags[row] = with_flags(flags[row], LABEL_CONFLICT)
    checked = cohort.with_columns(label=labels, flags=flags)
    return Cohort(checked.columns, cohort.source, (*cohort.notes, note))


def refuse_swapped(
    source: Path | str,
    conflicts: int,
    compared: int,
    first: Path | str,
    *,
    swapped: str = "0 and 1",
    what: str = NAMES,
) -> None:
    """Refuse labels most of which are contradicted.

    Args:
        source: Where they were read.
        conflicts: Number of contradicted labels.
        compared: Number of labels that could be checked.
        first: The first contradicted image.
        swapped: What is probably swapped.
        what: What states the other class.

    Raises:
        CohortError: At least two, and more than half, are contradicted.
    """
    if conflicts >= 2 and 2 * conflicts > compared:
        raise CohortError(
            f"{source}: {conflicts} of {compared} {what} say the other class; are {swapped} "
            f"swapped? ALL (leukemic) is 1, HEM (normal) is 0. First: {first}."
        )


def official_subjects(cohort: Cohort) -> dict[int, str]:
    """The rows of official images under the id of another subject, each with its official id."""
    found: dict[int, str] = {}
    for row, (subject, official) in enumerate(
        zip(cohort["subject"], cohort["official"], strict=True)
    ):
        ids = official_ids(official)
        if not ids or not subject or id_key(subject) in map(id_key, ids):
            continue
        if not {subject, *ids} <= SAME_PERSON:
            found[row] = ids[0]
    return found


def _subject_notes(cohort: Cohort) -> list[str]:
    """A note on official images under the id of another subject; none without any."""
    found = official_subjects(cohort)
    if not found:
        return []
    other = [
        f"{Path(cohort['path'][row]).name} ({cohort['subject'][row]}, officially {official})"
        for row, official in found.items()
    ]
    return [
        f"{count(len(other), 'official image', 'has')} the id of another subject of C-NMC here: "
        f"{listed(other, SHOWN)}. The audit takes the images of one official subject for one "
        "person. Give the official ids."
    ]
