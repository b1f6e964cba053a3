"""Measure every cell of a cohort into a table with a row per cell."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.core.progress import track
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.features import FEATURES, measure
from leukoscope.data.imaging.image import decode, read_bytes

IDENTITY = ("path", "label", "subject", "person", "fold")
"""Columns of the cohort that the table of measurements includes."""


def measure_cells(cohort: Cohort, jobs: int = 2) -> dict[str, np.ndarray]:
    """Measure every cell of a cohort at its original scale.

    Threads suffice, because decoding and NumPy release the global interpreter lock. Unlike
    processes they also work in a notebook, in a script without a main guard, and on Windows.

    Args:
        cohort: N cells.
        jobs: Number of threads.

    Returns:
        Columns of length N: `IDENTITY`, one float64 column for each of `FEATURES` (NaN if an image
        could not be read, or changed since the audit), and `problem`, the reason or "".
    """
    values = np.full((len(cohort), len(FEATURES)), np.nan)
    problems = np.full(len(cohort), "", dtype=object)
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = pool.map(_measure_file, cohort.paths, cohort["sha256"])
        for row, outcome in enumerate(track(outcomes, "measuring", len(cohort))):
            if isinstance(outcome, str):
                problems[row] = outcome
            else:
                values[row] = outcome
    identity = {name: np.asarray(cohort[name]) for name in IDENTITY}
    return identity | dict(zip(FEATURES, values.T, strict=True)) | {"problem": problems}


def _measure_file(path: Path, known: str) -> tuple[float, ...] | str:
    """Measure one file, of a known sha256 or ""; a text is the reason why it is not measured."""
    try:
        content = read_bytes(path)
        if known and sha256(content).hexdigest() != known:
            return "changed since the audit; audit again"
        image = decode(content)
    except ImageError as error:
        return str(error).removeprefix(f"{path}: ").removeprefix("the image: ")
    return astuple(measure(image))
