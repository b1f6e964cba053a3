"""The notice on every page that shows synthetic cells or results from them."""

from typing import TYPE_CHECKING

from leukoscope.data.cohort import Cohort
from leukoscope.data.synthetic import is_synthetic

if TYPE_CHECKING:
    from markupsafe import Markup

TEXT = "SYNTHETIC CELLS. They were drawn by a program and say nothing about real blood or marrow."


def is_synthetic_cohort(cohort: Cohort) -> bool:
    """True if any cell of a cohort is synthetic."""
    return any(map(is_synthetic, cohort.unique("subject")))


def synthetic_notice(cohort: Cohort) -> "list[Markup]":
    """Warning box for a page about a cohort; empty for real cells."""
    from leukoscope.core.html import note

    return [note(TEXT, "warning")] if is_synthetic_cohort(cohort) else []
