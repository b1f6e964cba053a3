"""The notice that drawn cells carry wherever a page shows them or figures from them."""

from typing import TYPE_CHECKING

from leukoscope.data.cohort import Cohort
from leukoscope.data.synthetic import is_synthetic

if TYPE_CHECKING:
    from markupsafe import Markup

TEXT = "SYNTHETIC CELLS. They were drawn by a program and say nothing about real blood or marrow."


def is_synthetic_cohort(cohort: Cohort) -> bool:
    """Whether any cell of a cohort was drawn rather than photographed."""
    return any(map(is_synthetic, cohort.unique("subject")))


def synthetic_notice(cohort: Cohort) -> "list[Markup]":
    """A warning box for a page about this cohort; nothing for real cells."""
    from leukoscope.core.html import note

    return [note(TEXT, "warning")] if is_synthetic_cohort(cohort) else []
