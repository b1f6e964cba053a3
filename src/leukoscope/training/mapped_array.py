"""Arrays on disk that are mapped into memory, without the traps of mapping.

A page of a mapped file that the disk has no room for, or that a shorter file does not have, ends
the process by a signal. So the room is taken before anything is written, and the length is checked
before anything is read.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def create(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> np.memmap:
    """Create a .npy file of zeros whose room on the disk is reserved, mapped for writing.

    Raises:
        OSError: The disk is too full.
    """
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        descriptor = os.open(path, os.O_RDWR)
        try:
            os.posix_fallocate(descriptor, 0, max(1, path.stat().st_size))
        finally:
            os.close(descriptor)
    return array


def open_mapped(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> np.ndarray | None:
    """Map a complete .npy file of this kind for reading; None where there is none, or another."""
    try:
        array = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return array if array.dtype == dtype and array.shape == shape else None


class SelectedRows:
    """Some rows of a mapped array, looked up when asked for and not copied before.

    A copy would be held by every process that trains on the same file.
    """

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        self.array, self.rows = array, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> np.ndarray:
        """One row or several, by a number or an array of numbers."""
        return np.asarray(self.array[self.rows[index]])
