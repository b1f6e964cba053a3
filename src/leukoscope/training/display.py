"""What a person sees of a training: a bar with loss, speed and time left; a line an epoch."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from leukoscope.training.fit import OnEpoch, OnStep
from leukoscope.training.log import Epoch


@contextmanager
def training_display(epochs: int, cells: int) -> Iterator[tuple[OnStep, OnEpoch]]:
    """Yield the two callbacks of `fit`.

    They draw on standard error; where that is no terminal, lines alone.

    Args:
        epochs: How many are planned at most.
        cells: Training cells per epoch, for the speed.
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
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("Epoch", total=1.0, now="")
        began = time.perf_counter()

        def on_step(epoch: int, done: float, loss: float) -> None:
            nonlocal began
            if done * cells <= 64:
                began = time.perf_counter()
            speed = done * cells / max(1e-6, time.perf_counter() - began)
            bar.update(
                task,
                description=f"Epoch {epoch + 1} of at most {epochs}",
                completed=done,
                now=f"loss {loss:.3f}  {speed:.0f} cells/s",
            )

        def on_epoch(entry: Epoch, is_best: bool) -> None:
            figures = (
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
            console.print("  ".join(figures), soft_wrap=True)

        yield on_step, on_epoch
