"""The result of an audit."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from leukoscope.core.files import natural_key
from leukoscope.core.tables import Table
from leukoscope.core.wording import count
from leukoscope.data.audit.checked import not_compared, remarks, unread
from leukoscope.data.audit.descriptors import Descriptors
from leukoscope.data.cnmc.cnmc import UNKNOWN
from leukoscope.data.cnmc.copies import copies_note, found_copies
from leukoscope.data.cohort import Cohort

SAME_CELL = "same-cell"
INCOMPLETE = 3  # exit code, as of `predict` where an image failed


@dataclass(frozen=True)
class AuditResult:
    """Result of an audit.

    Attributes:
        cohort: The cohort with `sha256`, `pixel_sha256` (see `imaging.pixel_identity`), `flags`,
            `person` and `cell` filled in. Images with the same `cell` show one physical cell; "" if
            the file could not be read. `audit_key` is the same for all rows of one audit.
        pairs: A row per pair of images of the same cell: path_a, path_b, subject_a, subject_b,
            label_a, label_b, kind ("exact": identical files; "same-pixels": other files with the
            same pixels; or "same-cell"), outline_iou (of the nuclei), correlation (of the
            textures), shift (of the nucleus in the frame, pixels), turn ("0" to "270" degrees
            counter-clockwise from a to b, after mirroring if it is "mirrored ..."). Exact copies
            are paired with the first of them only. Pairs with different labels link no persons,
            since one of the labels is suspect.
        persons: Mapping from subject to person.
        descriptors: Of the images that were compared, for a later batch.
        notes: What became of the persons that the table gives, and of ids in several data sets.
    """

    cohort: Cohort
    pairs: Table
    persons: Mapping[str, str]
    notes: tuple[str, ...] = ()
    descriptors: Descriptors | None = None

    def __repr__(self) -> str:
        exact = int(np.sum(self.pairs["kind"] != SAME_CELL))
        pairs = f"pairs: {exact:,} identical, {len(self.pairs['kind']) - exact:,} of one cell"
        persons = count(len(self.cohort.unique("person")), "person")
        cells = f"{count(len(self.cohort), 'cell')} of {count(len(self.persons), 'subject')}"
        unchecked = len(self.unreadable) + len(self.not_compared)
        missed = f"; NOT CHECKED: {unchecked:,} images" if unchecked else ""
        return f"<AuditResult: {cells}, {persons}; {pairs}{missed}>"

    def _repr_html_(self) -> str:
        from leukoscope.core.html import notebook_table

        rows = [(person, ", ".join(subjects)) for person, subjects in self.linked.items()]
        title = f"{repr(self)[1:-1]}. Persons with several subject ids:"
        return notebook_table(title, ("person", "subjects"), rows)

    @property
    def label_conflicts(self) -> np.ndarray:
        """Mask of the pairs with different labels, a bool per row of `pairs`."""
        return labels_differ(self.pairs["label_a"], self.pairs["label_b"])

    @property
    def unreadable(self) -> list[str]:
        """Paths of the images that could not be read, and so were not checked."""
        return list(self.cohort["path"][unread(self.cohort)])

    @property
    def not_compared(self) -> list[str]:
        """Paths of the images that were read but have no outline or texture to compare."""
        return list(self.cohort["path"][not_compared(self.cohort)])

    @property
    def remarks(self) -> list[str]:
        """Images that were not checked, a line each; none if every image was."""
        return remarks(self.cohort)

    @property
    def copies(self) -> dict[str, str]:
        """Official C-NMC images here that are in another official part too, with their copies."""
        return found_copies(self.cohort["official"])

    @property
    def copy_notes(self) -> list[str]:
        """A line on the images in two official parts of C-NMC; none without any."""
        return copies_note(self.cohort["official"])

    @property
    def exit_code(self) -> int:
        """0 if every image was checked, `INCOMPLETE` otherwise."""
        return INCOMPLETE if self.remarks else 0

    @property
    def linked(self) -> dict[str, list[str]]:
        """Persons with more than one subject id: person to ids in natural order."""
        groups: dict[str, list[str]] = {}
        for subject in sorted(self.persons, key=natural_key):
            groups.setdefault(self.persons[subject], []).append(subject)
        return {person: ids for person, ids in groups.items() if len(ids) > 1}


def labels_differ(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mask of the pairs with two known, different labels, bool (N,)."""
    return (labels != others) & (labels != UNKNOWN) & (others != UNKNOWN)
