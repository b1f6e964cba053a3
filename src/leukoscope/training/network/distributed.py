"""Work of several training processes: what they exchange, and the end of one of them."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from leukoscope.core.errors import TrainingError
from leukoscope.core.processes import world_size
from leukoscope.data.cohort import Cohort

LOST = re.compile("gloo|NCCL|Connection (reset|closed)|Broken pipe|timed out", re.IGNORECASE)
"""The words of PyTorch's errors about a process that is gone."""


def require_audit(cohort: Cohort, out: Path) -> None:
    """Refuse a data set that was not audited, which each of several processes would audit.

    Raises:
        TrainingError: Several processes train, and the cells are not audited.
    """
    if world_size() > 1 and "cell" not in cohort:
        raise TrainingError(
            f"{out}: {world_size()} processes train together, and each would audit the images. "
            "Audit them first, with `leukoscope data audit DIR --out audit`, and train from "
            "audit/cohort.csv."
        )


@contextmanager
def lost_process_is_said(out: Path) -> Iterator[None]:
    """Turn the end of another process into one line.

    A process hears of it from the broken connection, or by the signal with which `torchrun` ends
    all others, whichever comes first.

    Raises:
        TrainingError: Another process ended, or cannot be reached.
    """
    if world_size() == 1:
        yield
        return
    rank = os.environ.get("RANK", "?")
    problem = TrainingError(
        f"{out}: process {rank} of this training was stopped, because another one ended or cannot "
        "be reached, or torchrun was stopped. The same command resumes after the last complete "
        "epoch."
    )

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows closes files and logs
        raise problem

    heard = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if heard else None
    try:
        yield
    except RuntimeError as error:  # that of gloo has no class of its own
        if not LOST.search(str(error)):
            raise
        if heard:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise problem from error
    finally:
        # After a stop the process ends by itself, and says why.
        if heard and signal.getsignal(signal.SIGTERM) is stop:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def gathered(values: np.ndarray) -> list[np.ndarray]:
    """Arrays of all processes, by rank."""
    if world_size() == 1:
        return [values]
    import torch.distributed as dist

    everyone: list[np.ndarray] = [values] * world_size()
    dist.all_gather_object(everyone, values)
    return everyone
