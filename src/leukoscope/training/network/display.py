"""Console output of a training: an estimate, a bar with the time left, a line per epoch."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import nn

from leukoscope.core.progress import bars_are_shown
from leukoscope.core.wording import count as counted
from leukoscope.models.recipe.settings import Stage
from leukoscope.training.memory import expected_peak
from leukoscope.training.network.log import Epoch
from leukoscope.training.network.stages import describe_stage

if TYPE_CHECKING:
    from rich.progress import Progress

log = logging.getLogger(__name__)

MEASURED = (2, 8)  # the steps of a stage between which its speed is measured for the estimate


@contextmanager
def training_display(stages: Sequence[Stage], cells: int, cached: int = 0) -> Iterator["Display"]:
    """Yield the display, whose methods are the callbacks of `fit`.

    It logs lines, and draws a bar where standard error is a terminal.

    Args:
        stages: The plan.
        cells: Training cells per epoch, for the speed.
        cached: Bytes of the cached cells that an epoch reads.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[now]}"),
        TimeRemainingColumn(),
    )
    hidden = not bars_are_shown()
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        yield Display(stages, cells, bar, cached)


class Display:
    """Shows the progress of a training."""

    def __init__(
        self, stages: Sequence[Stage], cells: int, bar: "Progress", cached: int = 0
    ) -> None:
        self.stages, self.cells, self.bar, self.cached = stages, cells, bar, cached
        self.task = bar.add_task("Epoch", total=1.0, now="")
        self.most_epochs, self.stage = 0, ""
        self.parameters = ""  # as text, until the estimate is logged
        self.steps, self.from_step = 0, (0.0, 0.0)
        self.began = time.perf_counter()

    def on_stage(self, number: int, stage: Stage, network: nn.Module) -> None:
        """Log the start of a stage."""
        self.most_epochs = sum(planned.epochs for planned in self.stages[:number])
        if len(self.stages) > 1:
            self.stage = f"stage {number} of {len(self.stages)}, "
            log.info(
                f"{self.stage}{describe_stage(stage)}: at most {counted(stage.epochs, 'epoch')}"
            )
        sizes = [(weight.numel(), weight.requires_grad) for weight in network.parameters()]
        trained = sum(size for size, trains in sizes if trains)
        part = "" if all(trains for _, trains in sizes) else f", {trained:,} of them trained"
        self.parameters = f"{sum(size for size, _ in sizes):,} parameters{part}"
        self.steps = 0

    def on_step(self, epoch: int, done: float, loss: float) -> None:
        """Move the bar; after a few steps, log the estimated time of an epoch."""
        now = time.perf_counter()
        if done * self.cells <= 64:
            self.began = now
        speed = done * self.cells / max(1e-6, now - self.began)
        self.bar.update(
            self.task,
            description=f"{self.stage}epoch {epoch + 1} of at most {self.most_epochs}".capitalize(),
            completed=done,
            now=f"loss {loss:.3f}  {speed:.0f} cells/s",
        )
        self.steps += 1
        if self.steps == MEASURED[0]:
            self.from_step = (now, epoch + done)
        elif self.parameters and (self.steps == MEASURED[1] or done >= 1):
            unread = round(self.cached * max(0.0, 1 - done - epoch))
            self._estimate(now - self.from_step[0], epoch + done - self.from_step[1], unread)

    def on_epoch(self, entry: Epoch, is_best: bool) -> None:
        """Log a line of metrics."""
        metrics = (
            *([f"stage {entry.stage}"] if len(self.stages) > 1 else []),
            f"epoch {entry.epoch:3d}",
            f"train loss {entry.train_loss:.3f}",
            f"validation loss {entry.validation_loss:.3f}",
            f"AUROC {entry.validation_auroc:.3f}",
            f"sensitivity {entry.validation_sensitivity:.3f}",
            f"specificity {entry.validation_specificity:.3f}",
            f"{entry.images_per_second:.0f} cells/s",
            f"{entry.seconds:.0f} s",
            *(["best so far"] if is_best else []),
        )
        log.info("  ".join(metrics))

    def _estimate(self, seconds: float, fraction: float, unread: int) -> None:
        parts, memory = [self.parameters], expected_peak(unread)
        if memory is not None:
            parts.append(f"about {memory / 1e9:.2f} GB of memory")
        if self.steps > MEASURED[0]:
            each = seconds / fraction
            parts.append(
                f"about {each:.0f} s per epoch, at most {counted(self.most_epochs, 'epoch')}"
            )
        log.info("; ".join(parts))
        self.parameters = ""
