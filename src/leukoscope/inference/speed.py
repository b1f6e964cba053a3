"""Prediction speed of model files, measured in turns on this machine."""

import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import ModelFileError
from leukoscope.core.progress import track
from leukoscope.core.wording import count as counted
from leukoscope.inference.predictor import Predictor

ROUNDS = 3
WARM_UP = 8


def side_by_side(
    models: Sequence[Path | str], images: Sequence[np.ndarray], *, rounds: int = ROUNDS
) -> tuple[list[tuple[float, ...]], list[str]]:
    """Measure the speed of models in turns, so that other load affects all of them alike.

    A model is opened for its turn only, so that any number of models can be compared.

    Args:
        models: The model files.
        images: Decoded images at the original scale, uint8 (H, W, 3); cropping, descriptors and the
            network are timed.
        rounds: Number of times that each model predicts all images.

    Returns:
        For each model the images per second of each round, in ascending order, () for a model that
        does not run; and an error message for each of these.
    """
    rates: list[list[float]] = [[] for _ in models]
    problems: dict[int, str] = {}
    turns = [number for _ in range(rounds) for number in range(len(models))]
    for number in track(turns, "Measuring speed", len(turns)):
        if number in problems:
            continue
        try:
            rates[number].append(_rate(Predictor(models[number]), images))
        except ModelFileError as error:
            problems[number] = str(error)
    measured = [
        () if number in problems else tuple(sorted(of_model))
        for number, of_model in enumerate(rates)
    ]
    return measured, list(problems.values())


def _rate(predictor: Predictor, images: Sequence[np.ndarray]) -> float:
    """Images per second, after a warm-up."""
    list(predictor.stream(images[:WARM_UP]))
    started = perf_counter()
    list(predictor.stream(images))
    return len(images) / (perf_counter() - started)


def median_rate(rates: Sequence[float]) -> float:
    """The median over rounds."""
    return median(rates)


def conditions(images: int, rounds: int = ROUNDS) -> str:
    """The conditions of a measurement, as a line below its table."""
    return (
        f"Speed was measured just now on this machine ({platform.machine()}, {usable_cores()} "
        f"threads): median and range of {counted(rounds, 'round')} in turns on "
        f"{counted(images, 'synthetic cell')}, "
        "decoded before."
    )
