"""Warnings at the top of a data report: what its numbers do not cover."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.data.advice import CUT_OUT
from leukoscope.data.audit.checked import remarks
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.foreground import MOST_RIM

if TYPE_CHECKING:
    from markupsafe import Markup


def not_checked(
    cohort: Cohort, measured: Mapping[str, np.ndarray], table: str
) -> Iterator["Markup"]:
    """Warnings of images that were not measured, are no cells on black, or were not audited.

    Args:
        cohort: The cells.
        measured: Their measurements.
        table: Name of the file of measurements.
    """
    from leukoscope.core import html

    if count := int(np.sum(measured["problem"] != "")):
        yield html.note(
            f"{count:,} of {len(cohort):,} images were not measured, because they cannot be read "
            f"or changed since the audit; {table} names the reason of each.",
            "warning",
        )
    bare = int(np.sum(measured["border"] > MOST_RIM))
    if 2 * bare > int(np.sum(np.isfinite(measured["border"]))):
        yield html.note(
            f"{bare:,} of {len(cohort):,} images do not show one cell on a black background, so "
            "size, shape and color below describe whole pictures and not cells. "
            f"{CUT_OUT}",
            "warning",
        )
    for remark in remarks(cohort) if "cell" in cohort else ():
        yield html.note(remark, "warning")
