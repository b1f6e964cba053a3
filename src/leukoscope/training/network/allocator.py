"""Keep freed memory for the next step instead of handing it back to the kernel.

glibc returns large blocks after every step and faults them in again at the next; with these
thresholds a training step on CPU ran up to 2.5 times faster (`benchmarks/training.py` measures it).
"""

import ctypes
import platform

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3


def keep_memory() -> bool:
    """Raise glibc's thresholds for this process; False with another C library."""
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    largest = 2**31 - 1
    settings = ((M_MMAP_THRESHOLD, largest), (M_TRIM_THRESHOLD, largest), (M_TOP_PAD, 512 << 20))
    return all(libc.mallopt(name, value) == 1 for name, value in settings)
