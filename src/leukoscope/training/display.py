"""What a person sees while a network trains: a bar with loss, speed and time left, and a line an epoch."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from leukoscope.training.fit import Epoch, OnEpoch, OnStep


@contextmanager
def training_display(epochs: int, cells: int) -> Iterator[tuple[OnStep, OnEpoch]]:
    """Yield the two callbacks of `fit`, drawing on standard error; lines alone where it is no terminal.

    Args:
        epochs: How many are planned at most.
        cells: Training cells per epoch, for the speed.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[now]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
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
            console.print(
                f"epoch {entry.epoch:3d}  train loss {entry.train_loss:.3f}  "
                f"validation loss {entry.validation_loss:.3f}  AUROC {entry.validation_auroc:.3f}  "
                f"sensitivity {entry.validation_sensitivity:.3f}  specificity {entry.validation_specificity:.3f}  "
                f"{entry.images_per_second:.0f} cells/s  {entry.seconds:.0f} s{'  best so far' if is_best else ''}",
                soft_wrap=True,
            )

        yield on_step, on_epoch
