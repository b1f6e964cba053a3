"""How many images a second model files answer for, side by side on this machine."""

import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import ModelFileError
from leukoscope.core.progress import track
from leukoscope.inference.predictor import Predictor

ROUNDS = 3
WARM_UP = 8


def side_by_side(
    models: Sequence[Path | str], images: Sequence[np.ndarray], *, rounds: int = ROUNDS
) -> tuple[list[tuple[float, ...]], list[str]]:
    """Time models in turns, so that whatever else the machine does falls on all of them.

    A model is opened for its turn only, so that any number of them can take part.

    Args:
        models: The files.
        images: uint8 (H, W, 3) at the original scale, decoded; cropping, measuring and the network
            are timed.
        rounds: How often each model answers for all images.

    Returns:
        For each model the images a second of each round, in ascending order, () for one that does
        not run; and a line for each of these.
    """
    rates: list[list[float]] = [[] for _ in models]
    problems: dict[int, str] = {}
    turns = [at for _ in range(rounds) for at in range(len(models))]
    for at in track(turns, "Measuring speed", len(turns)):
        if at in problems:
            continue
        try:
            rates[at].append(_rate(Predictor(models[at]), images))
        except ModelFileError as error:
            problems[at] = str(error)
    measured = [() if at in problems else tuple(sorted(own)) for at, own in enumerate(rates)]
    return measured, list(problems.values())


def _rate(predictor: Predictor, images: Sequence[np.ndarray]) -> float:
    """Images a second, after a few to warm up."""
    list(predictor.stream(images[:WARM_UP]))
    started = perf_counter()
    list(predictor.stream(images))
    return len(images) / (perf_counter() - started)


def median_rate(rates: Sequence[float]) -> float:
    """The median of the rounds."""
    return median(rates)


def conditions(images: int, rounds: int = ROUNDS) -> str:
    """What a table of speeds has to say of itself."""
    return (
        f"Speed was measured just now on this machine ({platform.machine()}, {usable_cores()} "
        f"threads): median and range of {rounds} rounds in turns on {images} synthetic cells, "
        "decoded before."
    )
