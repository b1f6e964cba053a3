"""The number of processor cores to use."""

import os

from leukoscope.core.processes import processes_here


def usable_cores() -> int:
    """Count the cores this process may use, which in a container are fewer than the machine has.

    Processes that train together on one machine have an equal part of them each, at least one.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, cores // processes_here())
