"""Which of several training processes this is, as `torchrun` tells through the environment.

On a cluster, SLURM starts one `torchrun` per machine, and that the processes.
"""

import os


def is_first_process() -> bool:
    """Whether this process writes files and speaks; true where there is only one."""
    return os.environ.get("RANK", "0") == "0"


def world_size() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def processes_here() -> int:
    """How many of them are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
