"""Arrays on disk that are mapped into memory, without the traps of mapping.

A page of a mapped file that the disk has no room for, or that a shorter file does not have, ends
the process by a signal. So the room is taken before anything is written, and the length is checked
before anything is read.
"""

import os
from pathlib import Path

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
