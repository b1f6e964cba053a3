"""The memory of this process: its peak so far, and the expected peak of a training."""

import sys
from pathlib import Path

import numpy as np

EXPORT = 200_000_000
"""Bytes that the exporter to ONNX and the check of its file take, measured on Linux."""
FIRST_EXPORT = 270_000_000
"""Bytes in addition where nothing of PyTorch has run before the export: its compiler, and the
layers of a few cells in PyTorch and in ONNX Runtime. Measured with `local` on Linux."""
STATM = Path("/proc/self/statm")


def peak_memory() -> int | None:
    """Return the most memory this process has held so far, in bytes.

    It is the memory of the device; without a device, that of the machine, which Python cannot read
    on Windows.
    """
    torch = sys.modules.get("torch")  # who has not loaded it holds no memory of a device
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    try:
        import resource
    except ImportError:
        return None
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def fit_arrays(values: np.ndarray, jobs: int) -> int:
    """Bytes of the arrays of a fit: copies in float64 of what it is fitted on, for each thread."""
    return 2 * 8 * values.size * max(1, jobs)


def expected_peak(growth: int, *, exports: bool = True) -> int | None:
    """Return the most memory to expect until the end of a training, in bytes.

    Args:
        growth: What this process will take in addition to what it holds now: pages of cached cells
            that are not read yet, arrays of a fit. The system takes pages of a file back when it
            needs room.
        exports: The model file is made by the exporter of PyTorch.
    """
    peak = peak_memory()
    torch = sys.modules.get("torch")
    if peak is None or (torch is not None and torch.cuda.is_available()):
        return peak  # cells are not held on the device
    exported = EXPORT if exports and "onnxscript" not in sys.modules else 0
    return max(peak, _held(peak) + growth + exported)


def _held(otherwise: int) -> int:
    """The memory held now, in bytes; `otherwise` where the system does not tell."""
    try:
        import resource

        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except (ImportError, OSError, IndexError, ValueError):
        return otherwise
