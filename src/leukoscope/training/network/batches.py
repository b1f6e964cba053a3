"""Batches of augmented cells, made by threads while the network computes."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np

from leukoscope.core.seeds import generator
from leukoscope.models.recipe.settings import Augment
from leukoscope.training.calibration.file_outputs import Inputs
from leukoscope.training.network.augment import augment

AHEAD = 4  # batches prepared in advance: enough to hide one slow batch, few enough to stay small


def training_batches(
    cells: Inputs,
    order: np.ndarray,
    settings: Augment,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    rank: int = 0,
    world: int = 1,
    jobs: int = 2,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (rows, augmented cells) of this process's part of each batch.

    The augmentation of a cell depends on seed, epoch and its place in the order alone, so neither
    the number of processes nor that of threads changes the input of the network.

    Args:
        cells: uint8 (N, S, S, 3), or what looks up their rows.
        order: Row numbers of the epoch.
        settings: The augmentation.
        batch_size: Cells per step, over all processes.
        seed: Random seed of the run.
        epoch: Number of the epoch.
        rank: Number of this process.
        world: Number of processes.
        jobs: Number of threads.
    """
    cv2.setNumThreads(1)  # the pool is the parallelism

    def make(start: int) -> tuple[np.ndarray, np.ndarray]:
        places = np.arange(start, min(start + batch_size, len(order)))[rank::world]
        rows = order[places]
        batch = [
            augment(cells[row], settings, generator(seed, epoch, 1, int(place)))
            for row, place in zip(rows, places, strict=True)
        ]
        return rows, np.stack(batch)

    starts = [start for start in range(0, len(order), batch_size) if len(order) - start >= world]
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        waiting: deque[Future[tuple[np.ndarray, np.ndarray]]] = deque()
        for start in starts:
            waiting.append(pool.submit(make, start))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
