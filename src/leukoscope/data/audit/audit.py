"""Audit a cohort: find exact copies, images of the same cell, and subject ids of the same person.

C-NMC lists the same person under several ids, in several official folds. Two subjects are linked if
an image of each shows the same cell. One shared cell is enough: a wrong link costs a little data, a
missed one is a leak.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.core.files import natural_key
from leukoscope.core.progress import track
from leukoscope.core.tables import Table, text_column
from leukoscope.data.audit.checked import (
    BLANK,
    FLAGS,
    LABEL_CONFLICT,
    NO_BORDER,
    UNMATCHED,
    not_compared,
    remarks,
    unread,
)
from leukoscope.data.audit.fingerprint import (
    Fingerprint,
    fingerprint,
    typical_step,
)
from leukoscope.data.audit.linking import audit_key, link_persons, name_cells, person_notes
from leukoscope.data.audit.matching import Match, Settings, find_matches
from leukoscope.data.audit.nucleus import cell_diameter
from leukoscope.data.audit.print_store import IN_MEMORY, Prints, PrintStore, Stored
from leukoscope.data.cnmc.cnmc import UNKNOWN
from leukoscope.data.cnmc.copies import copies_note, found_copies, known_persons
from leukoscope.data.cnmc.identity import Identity, identity_columns
from leukoscope.data.cohort import UNREADABLE, Cohort, with_flags
from leukoscope.data.imaging.image import decode, read_bytes
from leukoscope.data.sources import CNMC, qualified, row_sources, source_notes

EXACT, SAME_PIXELS, SAME_CELL = "exact", "same-pixels", "same-cell"
INCOMPLETE = 3  # exit code, as of `predict` where an image failed
SAMPLE = 64  # images from which the scale of a cohort is estimated


#: Rows of two images of the same cell, the kind of pair, and how they match; no match if the files
#: are identical, or show the same pixels without a texture to compare.
Link = tuple[int, int, str, Match | None]


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
        notes: What became of the persons that the table gives, and of ids in several data sets.
    """

    cohort: Cohort
    pairs: Table
    persons: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        exact = int(np.sum(self.pairs["kind"] != SAME_CELL))
        pairs = f"pairs: {exact:,} identical, {len(self.pairs['kind']) - exact:,} of one cell"
        persons = f"{len(self.cohort.unique('person'))} persons"
        cells = f"{len(self.cohort):,} cells of {len(self.persons)} subjects"
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
        return _differ(self.pairs["label_a"], self.pairs["label_b"])

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
        """What was not checked, a line each; none if every image was."""
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


@dataclass(frozen=True)
class _Scan:
    """Identity, fingerprint and flags of one image, which is read once."""

    identity: Identity
    print: "Fingerprint | Stored | None"
    flags: tuple[str, ...]


def audit(cohort: Cohort, *, jobs: int = 2, settings: Settings | None = None) -> AuditResult:
    """Find exact copies, images of the same cell, and subject ids of the same person.

    The same files give the same result, whatever `jobs`.

    Args:
        cohort: The cells. What the table says of hashes and cells is not used. Rows with the same
            `person` count as one person, so the audit can only add to the links of the table.
        jobs: Number of threads for reading and comparing.
        settings: Thresholds of the search; `benchmarks/audit.py` measures the defaults.

    Returns:
        The cohort with persons and cells, the pairs, and the persons.
    """
    step = _cohort_step(cohort)
    store = PrintStore() if len(cohort) > IN_MEMORY else None

    def scan(path: str) -> _Scan:
        return _scan(Path(path), step, store)

    held = closing(store) if store else nullcontext()
    with held, _one_opencv_thread(), ThreadPoolExecutor(max(1, jobs)) as pool:
        results = pool.map(scan, cohort["path"])
        scans = list(track(results, "Reading cells", total=len(cohort)))
        links = _copy_links(scans, settings)
        # Only one of several copies is compared; its matches hold for all of them.
        copies = {second for _, second, *_ in links}
        prints = {row: s.print for row, s in enumerate(scans) if s.print and row not in copies}
        matches = find_matches(Prints(list(prints.values())), settings, jobs=jobs)
    rows = list(prints)
    links += [(rows[match.first], rows[match.second], SAME_CELL, match) for match in matches]
    links.sort(key=lambda link: link[:2])
    pairs = _pair_table(cohort, links)
    return _conclude(cohort, scans, links, pairs)


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """Switch off the threads of OpenCV, which would compete with those of the pool."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _cohort_step(cohort: Cohort) -> float:
    diameters = []
    for row in np.unique(np.linspace(0, len(cohort) - 1, min(SAMPLE, len(cohort))).astype(int)):
        try:
            diameters.append(cell_diameter(decode(Path(cohort["path"][row]))))
        except ImageError:
            continue
    return typical_step([d for d in diameters if d > 0])


def _scan(path: Path, step: float, store: PrintStore | None = None) -> _Scan:
    try:
        content = read_bytes(path)
    except ImageError:
        return _Scan(Identity(), None, (UNREADABLE,))
    digest = sha256(content).hexdigest()
    try:
        image = decode(content)
    except ImageError:
        return _Scan(Identity.of(digest, None), None, (UNREADABLE,))
    identity = Identity.of(digest, image)
    if int(image.max()) == int(image.min()):
        return _Scan(identity, None, (BLANK,))
    mark = fingerprint(image, step)
    if mark is None:
        return _Scan(identity, None, (UNMATCHED,))
    kept = store.add(mark) if store else mark
    return _Scan(identity, kept, () if mark.framed else (NO_BORDER,))


def _copy_links(scans: Sequence[_Scan], settings: Settings | None) -> list[Link]:
    """Pair the first of each group of images with the same pixels with each other one.

    Unreadable and blank files are no evidence of a common cell.
    """
    first: dict[str, int] = {}
    links: list[Link] = []
    for row, scan in enumerate(scans):
        image = scan.identity
        if image.sha256 and not {UNREADABLE, BLANK} & set(scan.flags):
            origin = first.setdefault(image.pixels or image.sha256, row)
            if origin != row:
                links.append((origin, row, *_copied(scans[origin], scan, settings)))
    return links


def _copied(first: _Scan, second: _Scan, settings: Settings | None) -> tuple[str, Match | None]:
    """The kind of a pair with the same pixels, and its turn and shift if they can be told."""
    if first.identity.sha256 == second.identity.sha256:
        return EXACT, None
    if first.print is None or second.print is None:
        return SAME_PIXELS, None
    matches = find_matches(Prints([first.print, second.print]), settings, jobs=1)
    return SAME_PIXELS, matches[0] if matches else None


def _pair_table(cohort: Cohort, links: Sequence[Link]) -> Table:
    a = np.array([link[0] for link in links], dtype=int)
    b = np.array([link[1] for link in links], dtype=int)
    table: Table = {}
    for name in ("path", "subject", "label"):
        table[f"{name}_a"], table[f"{name}_b"] = cohort[name][a], cohort[name][b]
    matches = [link[3] for link in links]
    table["kind"] = text_column([link[2] for link in links])
    table["outline_iou"] = np.array([m.outline_iou if m else 1.0 for m in matches])
    table["correlation"] = np.array([m.correlation if m else 1.0 for m in matches])
    table["shift"] = np.array([m.shift if m else 0.0 for m in matches])
    table["turn"] = text_column([m.turned if m else "0" for m in matches])
    return table


def _conclude(
    cohort: Cohort, scans: Sequence[_Scan], links: Sequence[Link], pairs: Table
) -> AuditResult:
    conflict = _differ(pairs["label_a"], pairs["label_b"])
    linking = [link[:2] for link, bad in zip(links, conflict, strict=True) if not bad]
    suspects = {row for link, bad in zip(links, conflict, strict=True) if bad for row in link[:2]}
    identities = [scan.identity for scan in scans]
    columns = identity_columns(identities)
    flags = []
    for row, (old, scan) in enumerate(zip(cohort["flags"], scans, strict=True)):
        kept = ";".join(flag for flag in old.split(";") if flag not in FLAGS)
        flags.append(with_flags(kept, *scan.flags, *[LABEL_CONFLICT] * (row in suspects)))
    cohort = cohort.with_columns(**columns)
    subjects, given = qualified(cohort, "subject"), qualified(cohort, "person")
    known = known_persons(cohort["subject"], _official_or_named(cohort))
    person, persons = link_persons(subjects, linking, known, given)
    filled = cohort.with_columns(
        flags=text_column(flags),
        person=person,
        cell=name_cells(columns["sha256"], linking),
        audit_key=[audit_key(columns["sha256"])] * len(cohort),
    )
    notes = (*person_notes(subjects, given, person), *source_notes(cohort))
    return AuditResult(filled, pairs, persons, notes)


def _official_or_named(cohort: Cohort) -> list[str]:
    """The official path of each row, or the name of C-NMC where only the table names it."""
    alone = frozenset({CNMC})
    rows = zip(cohort["official"], row_sources(cohort), strict=True)
    return [path or (CNMC if sources == alone else "") for path, sources in rows]


def _differ(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    return (labels != others) & (labels != UNKNOWN) & (others != UNKNOWN)
