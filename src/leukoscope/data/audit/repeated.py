"""Images of an audit that a new table names again: its entries must agree with the audit."""

from pathlib import Path

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.listing import listed
from leukoscope.data.cnmc.cnmc import LABEL_NAMES
from leukoscope.data.cohort import Cohort
from leukoscope.data.label_conflicts import check_official

COMPARED = ("label", "subject", "person", "fold", "data_source", "data_license")


def require_same_entries(audited: Cohort, new: Cohort) -> None:
    """Refuse a table that says of an audited image what the audit does not say.

    An entry that the new table leaves blank agrees with any.

    Args:
        audited: The cells of the audit.
        new: Cells of which some may have a path of the audit.

    Raises:
        CohortError: Rows differ; with their number, the first names, and what differs.
    """
    row_of = {path: row for row, path in reversed(list(enumerate(audited["path"])))}
    rows = np.array([row for row, path in enumerate(new["path"]) if path in row_of], int)
    if not len(rows):
        return
    old = audited.select(np.array([row_of[new["path"][row]] for row in rows], int))
    # A label that contradicts the official image is unknown in the audit, so it is here too.
    own = check_official(new.select(rows).with_columns(official=old["official"]))
    differing = [text for row in range(len(rows)) if (text := _difference(old, own, row))]
    if differing:
        raise CohortError(
            f"{new.source or 'the new images'}: {len(differing):,} of {len(rows):,} images that "
            f"are in the audit have other entries there: {listed(differing, 3)}. The audit keeps "
            "its own entries, so these would be lost: correct one of the tables, or remove these "
            "rows from the new one."
        )


def _difference(old: Cohort, new: Cohort, row: int) -> str:
    """The entries of a row that differ, as "c.png (label HEM, in the audit ALL)"; "" if none do."""
    found = []
    for name in COMPARED:
        before, now = _entry(old, name, row), _entry(new, name, row)
        if name == "person" and now == _entry(new, "subject", row):
            continue  # not of the table: the subject stands for the person
        if now and now != before:
            found.append(f"{name} {now}, in the audit {before or 'unknown'}")
    return f"{Path(new['path'][row]).name} ({'; '.join(found)})" if found else ""


def _entry(cohort: Cohort, name: str, row: int) -> str:
    if name not in cohort:
        return ""
    value = cohort[name][row]
    return LABEL_NAMES[int(value)] if name == "label" else str(value)
