"""The place of this process among those that train together, as `torchrun` sets it.

On a cluster, SLURM starts one `torchrun` per machine, which starts the processes.
"""

import os


def is_first_process() -> bool:
    """True for the process that writes files and logs; also if it is the only one."""
    return os.environ.get("RANK", "0") == "0"


def world_size() -> int:
    """The number of processes that train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def processes_here() -> int:
    """The number of them on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
