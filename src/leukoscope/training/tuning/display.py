"""What a person sees of a study: a bar, a line a trial, and the time it will take."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

from leukoscope.core.progress import duration
from leukoscope.models.recipe.space import label
from leukoscope.training.tuning.results import Row, Study

if TYPE_CHECKING:
    from rich.progress import Progress

log = logging.getLogger(__name__)

TITLES = {"auroc": "AUROC", "loss": "loss", "balanced_accuracy": "balanced accuracy"}
ESTIMATES = (1, 4)  # trials after which the rest is told; the first one also loads what it needs
DONE = ("complete", "pruned", "impossible", "failed")


def title(objective: str) -> str:
    """A figure's name as one writes it."""
    return TITLES.get(objective, objective)


@contextmanager
def study_display(trials: int, *, bar: bool = True) -> Iterator["Display"]:
    """Yield the display; it logs lines, and draws a bar where standard error is a terminal.

    Args:
        trials: How many there will be.
        bar: Draw one; several workers would draw over each other.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    hidden = not (bar and sys.stderr.isatty())
    progress = Progress(*columns, console=console, transient=True, disable=hidden)
    try:
        yield Display(trials, progress)
    finally:
        progress.stop()


class Display:
    """Speaks of a study as it goes on."""

    def __init__(self, trials: int, bar: "Progress") -> None:
        self.trials, self.bar = trials, bar
        self.task = bar.add_task("Tuning", total=trials)
        self.told = 0

    def say(self, text: str) -> None:
        """Log a line."""
        log.info("%s", text)

    def on_step(self, trial: int) -> Callable[[int, float, float], None]:
        """What moves the bar while a trial trains a network."""

        def move(epoch: int, done: float, _loss: float) -> None:
            self.bar.start()  # not before, for caching the cells has a bar of its own
            told = f"trial {trial}, epoch {epoch + 1}: {done:.0%}"
            self.bar.update(self.task, description=told)

        return move

    def on_trial(self, study: Study, number: int) -> None:
        """Log how a trial ended; after the first, what the others will take."""
        row = next((row for row in study.trials if row.trial == number), None)
        if row is None:
            return
        done = [row for row in study.trials if row.state in DONE]
        told = f"{len(done)} of {self.trials}"
        left = estimate(study, self.trials - len(done))
        self.bar.start()
        self.bar.update(self.task, completed=len(done), description=f"Tuning, {left}")
        self.say(f"{told}  {describe_trial(row, study)}")
        self.told += 1
        if self.told in ESTIMATES and len(done) < self.trials:
            self.say(left)


def estimate(study: Study, left: int) -> str:
    """What the trials that are left will take, if they are like those before, in words."""
    done = [row.seconds for row in study.trials if row.seconds]
    if not done:
        return f"{left} more"
    workers, each = 1 + study.count("running"), median(done)
    together = f" by {workers} workers" if workers > 1 else ""
    return (
        f"about {duration(each)} a trial; {left} more: about {duration(left * each / workers)}"
        f"{together}"
    )


def describe_trial(row: Row, study: Study) -> str:
    """A trial as a line: how it ended, the best so far, what it took, what it tried."""
    figure = title(study.objective)
    value = f"{figure} {row.value:.4f}" if row.value == row.value else ""
    if row.state != "complete":
        value = " ".join(filter(None, (row.state, value)))
    best = f"best {study.best.value:.4f} (trial {study.best.trial})" if study.best else ""
    epochs = f"{row.epochs} epochs" if row.epochs else ""
    settings = ", ".join(f"{name} {label(value)}" for name, value in row.settings.items())
    # The reason of a pruned trial is always the same.
    reason = row.reason if row.state in ("failed", "impossible") else ""
    parts = (f"trial {row.trial}", value, best, epochs, duration(row.seconds), settings, reason)
    return "  ".join(filter(None, parts))
