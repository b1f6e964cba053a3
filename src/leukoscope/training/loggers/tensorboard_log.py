"""Log a run as event files of TensorBoard, in a folder of its own under the one named."""

from collections.abc import Mapping
from pathlib import Path

from leukoscope.training.loggers.base import LoggedRun


class TensorBoardLog:
    """Event files of one run; those of a resumed run continue the ones before."""

    def __init__(self, folder: Path, run: LoggedRun) -> None:
        """Begin an event file in `folder`/NAME OF THE RUN.

        Raises:
            OSError: The folder cannot be written.
        """
        from torch.utils.tensorboard import SummaryWriter

        place = folder / run.folder.name
        self._steps = _steps(place) if run.resumed else frozenset()
        # Later steps are of a run that was started again, or of an epoch that was not completed.
        purged = max(self._steps, default=0) + 1
        self._writer = SummaryWriter(str(place), purge_step=purged)
        if not self._steps:
            rows = [f"| {name} | {value} |" for name, value in run.settings.items()]
            self._writer.add_text(
                "settings", "\n".join(["| setting | value |", "|---|---|", *rows])
            )
        self._writer.flush()

    def steps(self) -> frozenset[int]:
        """Return the epochs that were logged when this run was opened."""
        return self._steps

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Log values, and write them to the disk."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self, status: str) -> None:
        """Close the file."""
        self._writer.close()


def _steps(place: Path) -> frozenset[int]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    if not place.is_dir():
        return frozenset()
    events = EventAccumulator(str(place), size_guidance={"scalars": 0}).Reload()
    if "train_loss" not in events.Tags()["scalars"]:
        return frozenset()
    return frozenset(event.step for event in events.Scalars("train_loss"))
