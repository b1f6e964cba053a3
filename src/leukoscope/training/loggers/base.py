"""The interface of a logger of trainings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class LoggedRun:
    """A run as a logger knows it.

    Attributes:
        folder: The run folder; its last name is the name of the run.
        settings: The settings of the recipe and of the run, as text.
        resumed: The run continues one that was stopped, and is logged where that was.
    """

    folder: Path
    settings: Mapping[str, str]
    resumed: bool = False


class RunLogger(Protocol):
    """A logger of one run."""

    def steps(self) -> frozenset[int]:
        """Return the numbers of the epochs that are logged already."""

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Log finite values of an epoch."""

    def close(self, status: str) -> None:
        """Complete the log of a run that is finished, failed or stopped."""
