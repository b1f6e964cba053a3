"""The loggers named by `--log KIND:PLACE`, opened for a run.

They are given settings, counts and metrics. They are given no image, no name of a person or a file,
and no model. A logger that fails during a training is warned of once and left out from then on: the
training and its run folder do not depend on it.
"""

import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from leukoscope.core.errors import TrainingError, missing_extra
from leukoscope.training.loggers.base import LoggedRun, RunLogger

log = logging.getLogger(__name__)

KINDS = {"mlflow": "mlflow", "tensorboard": "tensorboard"}
"""The module that each kind of logger needs."""
HOW = "write --log mlflow:URI or --log tensorboard:DIR"
FINISHED, FAILED, STOPPED = "FINISHED", "FAILED", "KILLED"


@dataclass(frozen=True)
class Target:
    """A target of the log.

    Attributes:
        kind: One of `KINDS`.
        place: The URI of an MLflow server or database, or a folder. It may hold a password.
    """

    kind: str
    place: str


def parse_target(text: str) -> Target:
    """Read KIND:PLACE.

    Raises:
        TrainingError: Another kind, or no place.
        MissingExtraError: The package of the logger is not installed.
    """
    kind, _, place = text.partition(":")
    if kind not in KINDS or not place:
        raise TrainingError(f"--log {shown(text)}: not a logger; {HOW}.")
    if find_spec(KINDS[kind]) is None:
        name = KINDS[kind]
        raise missing_extra(f"--log {kind}", ModuleNotFoundError(name=name))
    return Target(kind, place)


def shown(text: object) -> str:
    """Text on one line, without the user and password of a URL in it."""
    return re.sub(r"//[^/@\s]*@", "//", " ".join(str(text).split()))[:300]


class RunLog:
    """All loggers of a run."""

    def __init__(self, loggers: dict[str, RunLogger]) -> None:
        self._loggers = loggers

    def missing(self, epochs: Mapping[int, Mapping[str, float]]) -> None:
        """Log the values of those epochs that a logger does not have yet."""
        for kind in list(self._loggers):
            with self._guarded(kind):
                known = self._loggers[kind].steps()
                for step, values in epochs.items():
                    if step not in known:
                        self._loggers[kind].write(_finite(values), step)

    def values(self, values: Mapping[str, float], step: int) -> None:
        """Log values by name; those that are not finite are left out."""
        for kind in list(self._loggers):
            with self._guarded(kind):
                self._loggers[kind].write(_finite(values), step)

    def close(self, status: str) -> None:
        """Complete the logs."""
        for kind in list(self._loggers):
            with self._guarded(kind):
                self._loggers[kind].close(status)

    @contextmanager
    def _guarded(self, kind: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of any library; none is worth a training
            del self._loggers[kind]
            log.warning(
                f"--log {kind}: failed and is left out from now on; the training continues "
                f"({shown(error)})"
            )


@contextmanager
def run_log(targets: Sequence[Target], run: LoggedRun) -> Iterator[RunLog]:
    """Open the loggers of a run, and complete them when the block ends.

    Raises:
        TrainingError: A logger cannot be opened.
    """
    opened = RunLog({target.kind: _opened(target, run) for target in targets})
    try:
        yield opened
    except KeyboardInterrupt:
        opened.close(STOPPED)
        raise
    except BaseException:
        opened.close(FAILED)
        raise
    opened.close(FINISHED)


def _opened(target: Target, run: LoggedRun) -> RunLogger:
    try:
        if target.kind == "mlflow":
            from leukoscope.training.loggers.mlflow_log import MLflowLog

            return MLflowLog(target.place, run)
        from leukoscope.training.loggers.tensorboard_log import TensorBoardLog

        return TensorBoardLog(Path(target.place), run)
    except ModuleNotFoundError as error:
        raise missing_extra(f"--log {target.kind}", error) from error
    except Exception as error:  # of any library, from network to database
        raise TrainingError(
            f"--log {target.kind}: cannot be opened ({shown(error)}); correct it, or train "
            "without it."
        ) from error


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}
