"""The rank of this training process, from the environment that `torchrun` sets.

On a cluster, SLURM starts one `torchrun` per machine, which starts the processes.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from leukoscope.core.errors import TrainingError

LOST = re.compile("gloo|NCCL|Connection (reset|closed)|Broken pipe|timed out", re.IGNORECASE)
"""The words of PyTorch's errors about a process that is gone."""


def is_first_process() -> bool:
    """True for the process that writes files and logs; also if it is the only one."""
    return os.environ.get("RANK", "0") == "0"


def world_size() -> int:
    """The number of processes that train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def processes_here() -> int:
    """The number of them on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@contextmanager
def lost_process_is_said(out: Path) -> Iterator[None]:
    """Turn the broken connection to another process into one line.

    Raises:
        TrainingError: Another process ended, or cannot be reached.
    """
    try:
        yield
    except RuntimeError as error:  # that of gloo has no class of its own
        if world_size() == 1 or not LOST.search(str(error)):
            raise
        rank = os.environ.get("RANK", "?")
        raise TrainingError(
            f"{out}: process {rank} of this training lost another one, which ended or cannot be "
            "reached; its own message says why. The same command resumes after the last complete "
            "epoch."
        ) from error


def gathered(values: np.ndarray) -> list[np.ndarray]:
    """Arrays of all processes, by rank."""
    if world_size() == 1:
        return [values]
    import torch.distributed as dist

    everyone: list[np.ndarray] = [values] * world_size()
    dist.all_gather_object(everyone, values)
    return everyone
