"""The state of an image file, which shows a change without reading the file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.cohort import Cohort
from leukoscope.data.hashing import hash_cells

FileState: TypeAlias = tuple[int, int, int]
"""Size in bytes, and the times of the last change of content and of status, in ns.

The second one changes also where a file is replaced by one of the same size and date.
"""
ABSENT: FileState = (-1, -1, -1)
UNSEEN: FileState = (-2, -2, -2)
"""Of a file whose state no audit has kept."""


def file_state(path: Path | str) -> FileState:
    """The state of a file now."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return ABSENT
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def state_array(states: Sequence[FileState]) -> NDArray[np.int64]:
    """States as int64 (N, 3)."""
    return np.array(states, np.int64).reshape(-1, len(UNSEEN))


def state_of_row(row: NDArray[np.int64]) -> FileState:
    """A row of `state_array`."""
    size, content, status = map(int, row)
    return size, content, status


def files_now(
    cohort: Cohort, states: NDArray[np.int64], jobs: int
) -> tuple[Cohort, NDArray[np.int64]]:
    """Hash the files again that have another state than before.

    Args:
        cohort: N hashed cells.
        states: Their states when they were hashed, (N, 3).
        jobs: Number of threads.

    Returns:
        The cells with the hashes of the files as they are now, "" with the flag "unreadable" where
        one cannot be read; and the states now.
    """
    now = state_array([file_state(path) for path in cohort["path"]])
    rows = np.flatnonzero((now != states).any(axis=1))
    if not len(rows):
        return cohort, now
    hashed = hash_cells(cohort.select(rows), jobs=jobs)
    columns = {}
    for name in ("sha256", "pixel_sha256", "official", "flags"):
        columns[name] = cohort[name].copy()
        columns[name][rows] = hashed[name]
    return cohort.with_columns(**columns), now
