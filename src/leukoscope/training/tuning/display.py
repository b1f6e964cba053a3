"""Console output of a study: a line for each trial, and a bar while it trains."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

from leukoscope.core.progress import bars_are_shown, duration
from leukoscope.core.wording import count as counted
from leukoscope.models.recipe.space import label
from leukoscope.training.tuning.results import Row, Study

if TYPE_CHECKING:
    from rich.progress import Progress

log = logging.getLogger(__name__)

TITLES = {"auroc": "AUROC", "loss": "loss", "balanced_accuracy": "balanced accuracy"}
DONE = ("complete", "pruned", "impossible", "failed")


def title(objective: str) -> str:
    """The name of a metric in running text."""
    return TITLES.get(objective, objective)


@contextmanager
def study_display(trials: int, *, bar: bool = True) -> Iterator["Display"]:
    """Yield the display; it logs lines, and draws a bar where standard error is a terminal.

    Args:
        trials: The number of trials of the study.
        bar: Draw a bar; those of several workers would overwrite each other.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    hidden = not (bar and bars_are_shown())
    progress = Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden)
    try:
        yield Display(trials, progress)
    finally:
        progress.stop()


class Display:
    """Shows the progress of a study."""

    def __init__(self, trials: int, bar: "Progress") -> None:
        self.trials, self.bar = trials, bar
        self.task = bar.add_task("Tuning", total=trials)

    def on_step(self, trial: int) -> Callable[[int, float, float], None]:
        """The callback that moves the bar while a trial trains a network."""

        def move(epoch: int, done: float, _loss: float) -> None:
            self.bar.start()  # not before: caching the cells has a bar of its own
            self.bar.update(self.task, description=f"Trial {trial}, epoch {epoch + 1}: {done:.0%}")

        return move

    def on_trial(self, study: Study, number: int) -> None:
        """Log the result of a trial and the estimated time for the others."""
        row = next((row for row in study.trials if row.trial == number), None)
        if row is None:
            return
        done = sum(map(study.count, DONE))
        left = estimate(study, self.trials - done)
        self.bar.start()
        self.bar.update(self.task, completed=done, description=f"Tuning{left}")
        log.info("%d of %d  %s%s", done, self.trials, describe_trial(row, study), left)


def estimate(study: Study, left: int) -> str:
    """The time for the trials that are left, if they take as long as those before."""
    seconds = [row.seconds for row in study.trials if row.seconds]
    if not (seconds and left > 0):
        return ""
    return f"; about {duration(left * median(seconds) / (1 + study.count('running')))} left"


def describe_trial(row: Row, study: Study) -> str:
    """A trial as a line: state, value, the best so far, time, settings."""
    value = "" if row.value != row.value else f"{title(study.objective)} {row.value:.4f}"
    if row.state != "complete":
        value = " ".join(filter(None, (row.state, value)))
    best = f"best {study.best.value:.4f} (trial {study.best.trial})" if study.best else ""
    epochs = counted(row.epochs, "epoch") if row.epochs else ""
    settings = ", ".join(f"{name} {label(value)}" for name, value in row.settings.items())
    # The reason of a pruned trial is always the same.
    reason = row.reason if row.state in ("failed", "impossible") else ""
    parts = (f"trial {row.trial}", value, best, epochs, duration(row.seconds), settings, reason)
    return "  ".join(filter(None, parts))
