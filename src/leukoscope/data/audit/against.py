"""Compare a new batch of images with an existing audit, without auditing its images again.

Of the old images only those are read that look like a new one, and those whose file has another
state than at the audit: size or times (`audit.file_state`).
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.progress import track
from leukoscope.core.tables import Table, read_table
from leukoscope.data.audit.audit import Link, conclude, copy_links
from leukoscope.data.audit.checked import FLAGS, require_audited, require_one_audit
from leukoscope.data.audit.descriptors import Descriptors
from leukoscope.data.audit.file_state import files_now, state_of_row
from leukoscope.data.audit.fingerprint import Fingerprint
from leukoscope.data.audit.matching import ORIENTATIONS, Match, Settings, compare, find_matches
from leukoscope.data.audit.print_store import Prints, print_store
from leukoscope.data.audit.repeated import require_same_entries
from leukoscope.data.audit.result import SAME_CELL, AuditResult
from leukoscope.data.audit.scan import (
    Scan,
    Scanner,
    Threads,
    one_opencv_thread,
    scan_image,
    scan_images,
)
from leukoscope.data.cnmc.identity import known_identities
from leukoscope.data.cohort import Cohort, make_cohort, read_cohort_table


@dataclass(frozen=True)
class Before:
    """An existing audit."""

    cohort: Cohort
    links: tuple[Link, ...]
    descriptors: Descriptors


def read_audit(folder: Path) -> Before:
    """Read the folder of an audit.

    Raises:
        CohortError: A file is absent or damaged, or the files are not of one audit.
    """
    table = folder / "cohort.csv"
    if not table.is_file():
        beside = folder.parent if (folder.parent / "cohort.csv").is_file() else None
        hint = f": {beside}" if beside else ", which `leukoscope data audit` wrote"
        raise CohortError(f"{folder}: not the folder of an audit. Name the folder of one{hint}.")
    cohort = read_cohort_table(table)
    if None in known_identities(cohort.columns) or "cell" not in cohort:
        raise CohortError(f"{folder}: not an audit of this version. Audit its images again.")
    require_one_audit(cohort)
    pairs = read_table(folder / "pairs.csv", text=("path_a", "path_b", "turn"))
    return Before(cohort, _links(cohort, pairs, folder), Descriptors.load(folder, len(cohort)))


def audit_against(
    cohort: Cohort,
    before: Before,
    *,
    jobs: int = 2,
    settings: Settings | None = None,
    scanner: Scanner | None = None,
) -> AuditResult:
    """Audit new images together with those of an earlier audit.

    Args:
        cohort: The new images; those that the audit has already (the same path) are left out, if
            they say the same.
        before: The earlier audit.
        jobs: Number of threads.
        settings: Thresholds of the search.
        scanner: Reads the new images; by default threads of this process.

    Returns:
        The result for the old rows and the new ones after them. Old images that cannot be read now
        are flagged.

    Raises:
        CohortError: Old images changed since, or the new table says something else of an image.
    """
    settings = settings or Settings()
    require_same_entries(before.cohort, cohort)
    before = _as_now(before, jobs)
    old = len(before.cohort)
    there = set(before.cohort["path"])
    cohort = cohort.select(np.array([path not in there for path in cohort["path"]], bool))
    both = _joined(before.cohort, cohort)
    step = before.descriptors.step
    with print_store(len(cohort)) as store, one_opencv_thread():
        new = scan_images(list(cohort["path"]), step, scanner or Threads(jobs), store)
        scans = [*_old_scans(before), *new]
        links = [link for link in copy_links(scans, settings) if link[1] >= old]
        copies = {second for _, second, *_ in links}
        rows = [row for row, scan in enumerate(scans) if scan.print and row not in copies]
        prints = Prints([found for row in rows if (found := scans[row].print)])
        later = Descriptors.of(rows, prints, step, [scan.state for scan in new])
        matches = find_matches(prints, settings, jobs=jobs)
        links += [(rows[m.first], rows[m.second], SAME_CELL, m) for m in matches]
        links += _across(both, before.descriptors, later, prints, settings)
    every = sorted([*before.links, *links], key=lambda link: link[:2])
    result = conclude(both, scans, every)
    return replace(result, descriptors=before.descriptors.joined(later))


def _across(
    cohort: Cohort,
    old: Descriptors,
    later: Descriptors,
    prints: Prints,
    settings: Settings,
) -> list[Link]:
    """The pairs of an old and a new image of the same cell, each at its best orientation."""
    place = {int(row): number for number, row in enumerate(later.rows)}

    @lru_cache(maxsize=256)
    def read(row: int) -> Fingerprint | None:
        found = scan_image(Path(cohort["path"][row]), old.step).print
        return found if isinstance(found, Fingerprint) else None

    best: dict[tuple[int, int], Match] = {}
    pairs = old.near(later, ORIENTATIONS, settings.area_ratio)
    for first, second, orientation in track(pairs, "Comparing with the audit"):
        one = read(first)
        match = one and compare([one, prints[place[second]]], 0, 1, orientation, settings)
        key = (first, second)
        if match and (key not in best or match.correlation > best[key].correlation):
            best[key] = replace(match, first=first, second=second)
    return [(*key, SAME_CELL, match) for key, match in best.items()]


def _joined(old: Cohort, new: Cohort) -> Cohort:
    """One table with the rows of both; a column that one lacks is blank there."""
    columns: Table = {}
    for name in dict.fromkeys((*old.columns, *new.columns)):
        blank = [c.columns.get(name, np.full(len(c), "", dtype=object)) for c in (old, new)]
        columns[name] = np.concatenate([np.asarray(part) for part in blank])
    return make_cohort(columns, source=new.source, notes=new.notes)


def _old_scans(before: Before) -> list[Scan]:
    cohort, states = before.cohort, before.descriptors.states
    flags = [tuple(f for f in text.split(";") if f in FLAGS) for text in cohort["flags"]]
    identities = known_identities(cohort.columns)
    return [
        Scan(identity, None, own, state_of_row(state))
        for identity, own, state in zip(identities, flags, states, strict=True)
        if identity is not None
    ]


def _as_now(before: Before, jobs: int) -> Before:
    """The audit without the images that cannot be read now, as if it had not read them.

    Raises:
        CohortError: Images changed since, or could not be read then and can be now.
    """
    cohort, states = files_now(before.cohort, before.descriptors.states, jobs)
    require_audited(before.cohort, cohort)
    lost = (cohort["sha256"] == "") & (before.cohort["sha256"] != "")
    gone = set(np.flatnonzero(lost))
    links = tuple(link for link in before.links if not gone.intersection(link[:2]))
    return Before(cohort, links, before.descriptors.only(~lost, states))


def _links(cohort: Cohort, pairs: Table, folder: Path) -> tuple[Link, ...]:
    """The links of an audit from its table of pairs."""
    row_of = {path: row for row, path in reversed(list(enumerate(cohort["path"])))}
    names = ("path_a", "path_b", "kind", "outline_iou", "correlation", "shift", "turn")
    links: list[Link] = []
    try:
        for a, b, kind, iou, correlation, shift, turn in zip(
            *(pairs[name] for name in names), strict=True
        ):
            first, second = row_of[a], row_of[b]
            degrees = int(str(turn).rpartition(" ")[2])
            match = Match(
                first,
                second,
                float(correlation),
                float(iou),
                float(shift),
                degrees // 90,
                str(turn).startswith("mirrored"),
            )
            links.append((first, second, str(kind), match))
    except (KeyError, ValueError) as error:
        raise CohortError(
            f"{folder / 'pairs.csv'}: does not match cohort.csv in this folder ({error}). Audit "
            "again."
        ) from error
    return tuple(links)
