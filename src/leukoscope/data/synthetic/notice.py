"""The notice on every page that shows synthetic cells or results from them."""

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from leukoscope.data.cohort import Cohort

if TYPE_CHECKING:
    from markupsafe import Markup

TEXT = "SYNTHETIC CELLS. They were drawn by a program and say nothing about real blood or marrow."


def is_synthetic(subject: str) -> bool:
    """True for a subject id of a synthetic cohort ("S7", "HS12")."""
    return re.fullmatch(r"H?S[0-9]+", subject, re.ASCII) is not None


def is_synthetic_cohort(cohort: Cohort) -> bool:
    """True if any cell of a cohort is synthetic, by its subject and its file name.

    The id alone could be one of another laboratory.
    """
    return any(
        is_synthetic(subject) and PurePath(path).name.startswith(f"UID_{subject}_")
        for subject, path in zip(cohort["subject"], cohort["path"], strict=True)
    )


def synthetic_notice(cohort: Cohort) -> "list[Markup]":
    """Warning box for a page about a cohort; empty for real cells."""
    from leukoscope.core.html import note

    return [note(TEXT, "warning")] if is_synthetic_cohort(cohort) else []
