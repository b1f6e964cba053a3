"""The images that an audit could not check, and whether an audit is still valid for its images.

An image that could not be read, or has nothing to compare, was not checked: no step may treat
it as different from all others. And an audit is about the bytes that it read: images that changed
since, or that were absent, must be audited again before a model is trained on them.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.listing import listed
from leukoscope.data.audit.linking import CELL_NAME
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.hashing import UNREADABLE, hash_cells
from leukoscope.data.label_conflicts import LABEL_CONFLICT
from leukoscope.data.missing import why_not_found

BLANK, UNMATCHED, NO_BORDER = "blank", "too-small-to-match", "no-border"
NOT_COMPARED = {
    NO_BORDER: "without a black border that shows the outline",
    UNMATCHED: "too small or too uniform",
    BLANK: "of one color",
}
"""Flags of images that are compared as files only, or as whole frames, with the reason."""
FLAGS = (UNREADABLE, *NOT_COMPARED)
"""The flags that every audit sets again."""


def flagged(cohort: Cohort, names: Iterable[str]) -> np.ndarray:
    """Mask of the rows with any of some flags, bool (N,)."""
    wanted = set(names)
    return np.array(
        [bool(wanted.intersection(flags.split(";"))) for flags in cohort["flags"]], bool
    )


def unread(cohort: Cohort) -> np.ndarray:
    """Mask of the rows that an audit could not read, or never saw, bool (N,)."""
    never = cohort["cell"] == "" if "cell" in cohort else np.zeros(len(cohort), bool)
    return np.asarray(flagged(cohort, [UNREADABLE]) | never, bool)


def not_compared(cohort: Cohort) -> np.ndarray:
    """Mask of the rows that were read but have nothing to compare, bool (N,)."""
    return flagged(cohort, NOT_COMPARED) & ~unread(cohort)


def remarks(cohort: Cohort) -> list[str]:
    """Images that an audit did not check, a line each; none if it checked every image."""
    lines = []
    if count := int(unread(cohort).sum()):
        lines.append(
            f"{count:,} of {len(cohort):,} images could not be read, so the audit did not check "
            f"them: {listed(cohort['path'][unread(cohort)])}."
        )
    if count := int(not_compared(cohort).sum()):
        counts = {flag: int(flagged(cohort, [flag]).sum()) for flag in NOT_COMPARED}
        kinds = ", ".join(f"{n:,} {NOT_COMPARED[flag]}" for flag, n in counts.items() if n)
        lines.append(
            f"{count:,} of {len(cohort):,} images could not be compared ({kinds}): among them the "
            "audit finds copies, but not two images of one cell, so a person may have several ids."
        )
    return lines


def up_to_date(cohort: Cohort, *, jobs: int = 2) -> Cohort:
    """Hash the images of an audited cohort again, and refuse those that the audit has not seen.

    Images that cannot be read now get the hash "" and the flag "unreadable".

    Args:
        cohort: As read from the table of an audit, with `cell`.
        jobs: Number of threads.

    Raises:
        CohortError: Images changed since the audit, or were not there then; with their names.
    """
    now = hash_cells(cohort, jobs=jobs)
    require_audited(cohort, now)
    return now


def why_not_one_audit(cohort: Cohort) -> str:
    """The reason why the rows of an audited cohort were not all compared with each other.

    Rows of two audits in one table have two keys. In a table of an earlier version, without keys,
    an image in two cells, or a subject of two persons, shows it; no audit writes either.

    Returns:
        "" if the rows may come from one audit.
    """
    if "audit_key" in cohort:
        keys = Counter(map(str, cohort["audit_key"]))
        if len(keys) > 1:
            counts = " and ".join(f"{count:,}" for count in sorted(keys.values(), reverse=True))
            return (
                f"the rows come from {len(keys)} audits ({counts} images), and no image of one "
                "audit was compared with an image of another"
            )
        return ""
    sound = ~flagged(cohort, [LABEL_CONFLICT])  # copies with two labels may be in two cells
    for name, within in (("sha256", "cell"), ("subject", "person")):
        first: dict[str, str] = {}
        for value, group in zip(cohort[name][sound], cohort[within][sound], strict=True):
            if value and group and first.setdefault(value, group) != group:
                return (
                    f"{name} {value[:CELL_NAME]} has the {within}s {first[value]} and {group}, "
                    "which no single audit writes"
                )
    return ""


def require_one_audit(cohort: Cohort) -> None:
    """Refuse a table that was put together from several audits.

    Raises:
        CohortError: Some of its images were never compared with others.
    """
    if reason := why_not_one_audit(cohort):
        source = cohort.source or "the cohort"
        raise CohortError(
            f"{source}: {reason}, so a person may have two names. Audit all together: leukoscope "
            f"data audit {source}"
        )


def require_audited(before: Cohort, now: Cohort) -> None:
    """Refuse images that an audit has not seen as they are now.

    Args:
        before: As the audit's table has them, with `cell`.
        now: The same rows with the hashes of the files; "" where a file cannot be read.

    Raises:
        CohortError: Images changed since the audit, or were not there then; with their names.
    """
    source = before.source or "the cohort"
    again = f"Audit again: leukoscope data audit {source}"
    require_unchanged(before, now, "the audit", again)
    away = (before["sha256"] == "") & flagged(before, [UNREADABLE])
    if (rows := (now["sha256"] != "") & ((before["cell"] == "") | away)).any():
        raise CohortError(
            f"{source}: {int(rows.sum()):,} of {len(before):,} images are not audited: the audit "
            f"could not read them, or did not include them. {again} "
            f"({listed(before['path'][rows])})"
        )


def require_unchanged(before: Cohort, now: Cohort, step: str, advice: str = "") -> None:
    """Refuse images that have other bytes than when they were hashed.

    Args:
        before: With the hashes of the table.
        now: The same rows with the hashes of the files; "" where a file cannot be read.
        step: The step that read the old images, for the message.
        advice: What to do, as a sentence.

    Raises:
        CohortError: There are such images; with their names.
    """
    old, new = before["sha256"], now["sha256"]
    if (rows := (old != "") & (new != "") & (old != new)).any():
        advice = advice or "Put the old images back, or train again."
        raise CohortError(
            f"{before.source or 'the cohort'}: {int(rows.sum()):,} of {len(before):,} images "
            f"changed since {step}. {advice} ({listed(before['path'][rows])})"
        )


def require_readable(
    cohort: Cohort,
    advice: str = "Put them back, or remove their rows from the table, and audit again.",
) -> None:
    """Refuse a cohort of which labeled images cannot be opened: no audit can check these.

    Args:
        cohort: Hashed cells.
        advice: What to do, as a sentence.

    Raises:
        CohortError: There are such images; with their names and the probable cause.
    """
    away = (cohort["sha256"] == "") & (cohort["label"] != UNKNOWN)
    if away.any():
        paths = cohort["path"][away]
        raise CohortError(
            f"{cohort.source or 'the cohort'}: {len(paths):,} of {len(cohort):,} images cannot be "
            f"read: {listed(paths)}. "
            f"{why_not_found(paths[0], cohort.source)} {advice}"
        )
