"""Learning rate, best epoch and early stopping as pure functions of the epochs so far.

They have no state, so a resumed run decides as the uninterrupted one would have.
"""

import math
from collections.abc import Sequence

from leukoscope.models.recipe.settings import Monitor, Schedule


def learning_rate(base: float, settings: Schedule, epochs: int, scores: Sequence[float]) -> float:
    """The rate of the next epoch.

    Args:
        base: The learning rate of the recipe.
        settings: The schedule.
        epochs: The planned number of epochs.
        scores: The score of each finished epoch; higher is better (see `score`).
    """
    epoch = len(scores)
    if epoch < settings.warmup:
        return base * (epoch + 1) / (settings.warmup + 1)
    if settings.name == "cosine":
        done = (epoch - settings.warmup) / max(1, epochs - settings.warmup)
        return base * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
    if settings.name == "plateau":
        return base * settings.factor ** _plateaus(scores, settings.patience)
    return base


def score(monitor: Monitor, value: float) -> float:
    """The monitored value as a score: higher is better, and nan is the worst."""
    if math.isnan(value):
        return -math.inf
    return -value if monitor == "loss" else value


def best_epoch(scores: Sequence[float]) -> int:
    """The first epoch with the highest score."""
    return max(range(len(scores)), key=lambda epoch: (scores[epoch], -epoch))


def should_stop(scores: Sequence[float], patience: int) -> bool:
    """True if `patience` epochs have passed since the best."""
    return bool(scores) and len(scores) - 1 - best_epoch(scores) >= patience


def _plateaus(scores: Sequence[float], patience: int) -> int:
    """The number of times that the score did not improve for more than `patience` epochs."""
    best, waited, plateaus = -math.inf, 0, 0
    for value in scores:
        if value > best:
            best, waited = value, 0
        else:
            waited += 1
        if waited > patience:
            plateaus, waited = plateaus + 1, 0
    return plateaus
