"""Audit a cohort: find exact copies, images of the same cell, and subject ids of the same person.

C-NMC lists the same person under several ids, in several official folds. Two subjects are linked if
an image of each shows the same cell. One shared cell is enough: a wrong link costs a little data, a
missed one is a leak.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.core.sampling import evenly_spread
from leukoscope.core.tables import Table, text_column
from leukoscope.data.audit.checked import BLANK, FLAGS
from leukoscope.data.audit.descriptors import Descriptors
from leukoscope.data.audit.fingerprint import typical_step
from leukoscope.data.audit.linking import audit_key, link_persons, name_cells, person_notes
from leukoscope.data.audit.matching import Match, Settings, find_matches
from leukoscope.data.audit.nucleus import cell_diameter
from leukoscope.data.audit.print_store import Prints, print_store
from leukoscope.data.audit.result import SAME_CELL, AuditResult, labels_differ
from leukoscope.data.audit.scan import Scan, Scanner, Threads, one_opencv_thread, scan_images
from leukoscope.data.cnmc.copies import known_persons
from leukoscope.data.cnmc.identity import identity_columns
from leukoscope.data.cohort import Cohort
from leukoscope.data.hashing import UNREADABLE, with_flags
from leukoscope.data.imaging.image import decode
from leukoscope.data.label_conflicts import LABEL_CONFLICT, check_official, official_subjects
from leukoscope.data.sources import CNMC, qualified, row_sources, source_notes

EXACT, SAME_PIXELS = "exact", "same-pixels"
SAMPLE = 64  # images from which the scale of a cohort is estimated


#: Rows of two images of the same cell, the kind of pair, and how they match; no match if the files
#: are identical, or show the same pixels without a texture to compare.
Link = tuple[int, int, str, Match | None]


def audit(
    cohort: Cohort,
    *,
    jobs: int = 2,
    settings: Settings | None = None,
    scanner: Scanner | None = None,
) -> AuditResult:
    """Find exact copies, images of the same cell, and subject ids of the same person.

    The same files give the same result, whatever `jobs` and `scanner`.

    Args:
        cohort: The cells. What the table says of hashes and cells is not used. Rows with the same
            `person` count as one person, so the audit can only add to the links of the table.
        jobs: Number of threads for reading and comparing.
        settings: Thresholds of the search; `benchmarks/audit.py` measures the defaults.
        scanner: Reads the images; by default threads of this process.

    Returns:
        The cohort with persons and cells, the pairs, and the persons.
    """
    step = _cohort_step(cohort)
    scanner = scanner or Threads(jobs)
    with print_store(len(cohort)) as store, one_opencv_thread():
        scans = scan_images(list(cohort["path"]), step, scanner, store)
        links = copy_links(scans, settings)
        # Only one of several copies is compared; its matches hold for all of them.
        copies = {second for _, second, *_ in links}
        prints = {row: s.print for row, s in enumerate(scans) if s.print and row not in copies}
        kept = Prints(list(prints.values()))
        matches = find_matches(kept, settings, jobs=jobs)
        descriptors = Descriptors.of(list(prints), kept, step, [scan.state for scan in scans])
    rows = list(prints)
    links += [(rows[match.first], rows[match.second], SAME_CELL, match) for match in matches]
    links.sort(key=lambda link: link[:2])
    return replace(conclude(cohort, scans, links), descriptors=descriptors)


def _cohort_step(cohort: Cohort) -> float:
    diameters = []
    for row in evenly_spread(len(cohort), SAMPLE):
        try:
            diameters.append(cell_diameter(decode(Path(cohort["path"][row]))))
        except ImageError:
            continue
    return typical_step([d for d in diameters if d > 0])


def copy_links(scans: Sequence[Scan], settings: Settings | None) -> list[Link]:
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


def _copied(first: Scan, second: Scan, settings: Settings | None) -> tuple[str, Match | None]:
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


def conclude(cohort: Cohort, scans: Sequence[Scan], links: Sequence[Link]) -> AuditResult:
    """Name the persons and cells of scanned rows by their links, in order of their rows."""
    identities = [scan.identity for scan in scans]
    columns = identity_columns(identities)
    cohort = check_official(cohort.with_columns(**columns))
    pairs = _pair_table(cohort, links)
    conflict = labels_differ(pairs["label_a"], pairs["label_b"])
    linking = [link[:2] for link, bad in zip(links, conflict, strict=True) if not bad]
    suspects = {row for link, bad in zip(links, conflict, strict=True) if bad for row in link[:2]}
    flags = []
    for row, (old, scan) in enumerate(zip(cohort["flags"], scans, strict=True)):
        kept = ";".join(flag for flag in old.split(";") if flag not in FLAGS)
        flags.append(with_flags(kept, *scan.flags, *[LABEL_CONFLICT] * (row in suspects)))
    subjects, given = qualified(cohort, "subject"), qualified(cohort, "person")
    copied = known_persons(cohort["subject"], _official_or_named(cohort))
    known = official_subjects(cohort) | copied
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
