"""How many images a second model files answer for, side by side on this machine."""

import platform
from collections.abc import Sequence
from statistics import median
from time import perf_counter

import numpy as np

from leukoscope.errors import ModelFileError
from leukoscope.inference.model_file import ModelFile
from leukoscope.inference.predictor import Predictor, usable_cores
from leukoscope.progress import track

ROUNDS = 3
WARM_UP = 8


def side_by_side(
    models: Sequence[ModelFile], images: Sequence[np.ndarray], *, rounds: int = ROUNDS
) -> list[tuple[float, ...]]:
    """Time models in turns, so that whatever else the machine does falls on all of them.

    Args:
        models: Opened files.
        images: uint8 (H, W, 3) at the original scale, decoded; cropping, measuring and the network
            are timed.
        rounds: How often each model answers for all images.

    Returns:
        For each model the images a second of each round, in ascending order; () for one that fails
        to run.
    """
    predictors = [Predictor(model) for model in models]
    rates: list[list[float]] = [[] for _ in models]
    failed: set[int] = set()
    turns = [(turn, at) for turn in range(rounds) for at in range(len(models))]
    for turn, at in track(turns, "Measuring speed", len(turns)):
        if at in failed:
            continue
        try:
            if turn == 0:
                list(predictors[at].predict(images[:WARM_UP]))
            started = perf_counter()
            list(predictors[at].predict(images))
        except ModelFileError:
            failed.add(at)
            continue
        rates[at].append(len(images) / (perf_counter() - started))
    return [() if at in failed else tuple(sorted(own)) for at, own in enumerate(rates)]


def middle(rates: Sequence[float]) -> float:
    """The median of the rounds."""
    return median(rates)


def conditions(images: int, rounds: int = ROUNDS) -> str:
    """What a table of speeds has to say of itself."""
    return (
        f"Speed was measured just now on this machine ({platform.machine()}, {usable_cores()} "
        f"threads): median and range of {rounds} rounds in turns on {images} synthetic cells, "
        "decoded before."
    )
