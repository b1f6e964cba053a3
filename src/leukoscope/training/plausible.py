"""Plausibility checks of training cells and of a fitted model."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ImageError, TrainingError
from leukoscope.data.imaging.image import Crop, read_cell

SAMPLE = 64  # cells that are compared
GRAY_LEVELS = 0.5  # mean difference of pixels, below which images are one image
LARGEST_LOGIT = 1e3  # a probability is 0 or 1 in double precision from 745 on


def check_cells_differ(paths: Sequence[Path], crop: Crop, source: str) -> None:
    """Make sure that the cells are not all alike.

    Args:
        paths: Images of cells; up to `SAMPLE` of them are compared, evenly spaced.
        crop: The part of each that is used.
        source: Where they come from, for the error.

    Raises:
        TrainingError: They hardly differ: pictures of one color, or one picture under many names.
    """
    compared = paths[:: max(1, len(paths) // SAMPLE)]
    first, read, total = None, 0, 0.0
    for path in compared:
        with suppress(ImageError):  # one that is gone may be in the cache
            cell = read_cell(path, crop).astype(np.int16)
            first = cell if first is None else first
            read, total = read + 1, total + float(np.abs(cell - first).mean())
        if total >= GRAY_LEVELS * len(compared):  # whatever the others are
            return
    if read and total < GRAY_LEVELS * read:
        raise TrainingError(
            f"{source}: the cells are all alike, so there is nothing to learn; check that these "
            "are images of cells, and not of one color."
        )


def check_converged(logit: np.ndarray, source: str) -> None:
    """Make sure that the answers of a fitted model are numbers of a usual size.

    Args:
        logit: (N,) of validation cells.
        source: The run or file, for the error.

    Raises:
        TrainingError: They are not: the training has diverged.
    """
    largest = float(np.abs(logit).max()) if len(logit) else 0.0
    if not largest <= LARGEST_LOGIT:  # also for nan
        raise TrainingError(
            f"{source}: the training has diverged: its logits reach {largest:.2g}. Lower "
            "optimizer.learning_rate, or raise the penalty of an estimator; nothing was written."
        )
