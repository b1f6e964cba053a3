"""`data report`: one page that gives an overview of a cohort.

It has counts, sample cells at one scale, plots of size, sharpness and color by class and by person,
the performance of cell size alone, and a list of outliers. The page contains images of the data
set, so it stays on the user's disk, under the license of the data.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.core.errors import CohortError, missing_extra
from leukoscope.core.sampling import evenly_spread
from leukoscope.core.seeds import generator
from leukoscope.core.tables import write_table
from leukoscope.data.cohort import LABEL_NAMES, Cohort
from leukoscope.data.overview import samples
from leukoscope.data.overview.measure import measure_cells
from leukoscope.data.overview.not_checked import not_checked
from leukoscope.data.overview.outliers import LIMIT, outlier_reasons
from leukoscope.data.overview.report_counts import counts, persons_and_folds
from leukoscope.data.overview.report_measurements import shape_and_color, size
from leukoscope.data.synthetic.notice import synthetic_notice

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE_NAME = "data-report.html"
TABLE_NAME = "measurements.csv"
_SAMPLES = 48
_OUTLIER_IMAGES = 24
_OUTLIER_ROWS = 300


def write_report(cohort: Cohort, out: Path | str, *, jobs: int = 2, seed: int = 0) -> Path:
    """Measure a cohort and write `data-report.html` and `measurements.csv` into a folder.

    Args:
        cohort: The cells, with the persons of the audit if there was one.
        out: Folder for the files; created if absent.
        jobs: Number of threads for the measurements.
        seed: Random seed for the sample cells.

    Returns:
        The path of the page.

    Raises:
        CohortError: The cohort is empty.
        MissingExtraError: The `train` extra is not installed.
    """
    if not len(cohort):
        raise CohortError(f"{cohort.source}: the cohort is empty; check the folder or the table.")
    try:
        from leukoscope.core import html
    except ImportError as error:
        raise missing_extra("data report", error) from error
    out = Path(out)
    measured = measure_cells(cohort, jobs)
    measured["outlier"] = outlier_reasons(measured)
    names = [LABEL_NAMES[int(label)] for label in measured["label"]]
    write_table(out / TABLE_NAME, {**measured, "label": names})
    parts = [
        *synthetic_notice(cohort),
        *not_checked(cohort, measured, TABLE_NAME),
        *counts(measured),
        *persons_and_folds(measured),
        *_samples(cohort, measured, seed),
        *size(measured),
        *shape_and_color(measured),
        *_outliers(cohort, measured),
        html.paragraph(f"{TABLE_NAME}, next to this page, has all measurements of all cells."),
    ]
    return html.write_page(out / PAGE_NAME, "Data report", parts, subtitle=cohort.source)


def _samples(cohort: Cohort, measured: dict[str, np.ndarray], seed: int) -> Iterator["Markup"]:
    from leukoscope.core import html
    from leukoscope.data.overview import plots

    crop = samples.common_crop(measured)
    yield html.heading("Cells at one scale")
    yield html.paragraph(
        f"A random sample, balanced over the persons. Each square is {crop.crop} px of the "
        "original image wide, so sizes can be compared. The images belong to the data set: do not "
        "share this page, or share it under the license of the data."
    )
    random = generator(seed)
    for label, title in plots.CLASSES.items():
        rows = np.flatnonzero((measured["label"] == label) & (measured["area"] > 0))
        chosen = samples.take_turns(rows, measured["person"][rows], _SAMPLES, random)
        if chosen.size:
            yield html.image_grid(samples.pictures(cohort, chosen, crop), title, samples.THUMBNAIL)


def _outliers(cohort: Cohort, measured: dict[str, np.ndarray]) -> Iterator["Markup"]:
    from leukoscope.core import html

    reasons = measured["outlier"]
    rows = np.flatnonzero(reasons != "")
    yield html.heading("Outliers")
    yield html.paragraph(
        f"{rows.size:,} of {len(reasons):,} images are outliers: the logarithm of area, sharpness "
        f"or a mean color is more than {LIMIT:g} robust standard deviations from the median of the "
        "class, the cell has several pieces or touches the border, the border is not black, or "
        "there is no cell. An unusual image is not necessarily wrong: look at it before you "
        "exclude it."
    )
    if not rows.size:
        return
    seen = rows[measured["area"][rows] > 0]
    shown = seen[evenly_spread(seen.size, _OUTLIER_IMAGES)]
    if shown.size:
        crop = samples.common_crop(measured, 100)
        title = f"A sample of the outliers, in squares of {crop.crop} px of the original image"
        yield html.image_grid(samples.pictures(cohort, shown, crop), title, samples.THUMBNAIL)
    yield html.table(
        ["Image", "Class", "Person", "Reason"],
        [
            [
                Path(str(measured["path"][row])).name,
                LABEL_NAMES[int(measured["label"][row])],
                measured["person"][row],
                reasons[row],
            ]
            for row in rows[:_OUTLIER_ROWS]
        ],
        f"The first {_OUTLIER_ROWS}; {TABLE_NAME} lists all" if rows.size > _OUTLIER_ROWS else "",
    )
