"""Choose sample cells and make thumbnails of them at one scale."""

from collections.abc import Mapping, Sequence

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.image import Crop, read_cell

THUMBNAIL = 96
"""Side of a thumbnail in pixels."""


def take_turns(
    rows: np.ndarray, person: Sequence[str] | np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    """Choose rows that are as evenly distributed over the persons as possible.

    Args:
        rows: `(N,)` rows to choose from.
        person: `(N,)` person of each.
        count: Largest number of rows to choose.
        random: Random generator for the order.

    Returns:
        At most `count` of `rows`: one of every person in random order, then a second, and so on.
    """
    order = random.permutation(len(rows))
    turn: dict[str, int] = {}
    ranked = []
    for place, index in enumerate(order):
        turn[person[index]] = turn.get(person[index], 0) + 1
        ranked.append((turn[person[index]], place, index))
    return np.array([rows[index] for _, _, index in sorted(ranked)[:count]], dtype=np.int64)


def pictures(cohort: Cohort, rows: np.ndarray, crop: Crop) -> list[tuple[np.ndarray, str]]:
    """Make thumbnails at one scale, with the person or else the file name as caption.

    Args:
        cohort: The cells.
        rows: Rows to show.
        crop: Size of the thumbnails.

    Returns:
        uint8 `(S, S, 3)` and caption of each image that can be read.
    """
    paths, pictures = cohort.paths, []
    for row in rows:
        try:
            image = read_cell(paths[row], crop)
        except ImageError:
            continue  # the table of measurements names unreadable files
        pictures.append((image, str(cohort["person"][row]) or paths[row].name))
    return pictures


def common_crop(measured: Mapping[str, np.ndarray], percent: float = 99) -> Crop:
    """Choose a central square that contains `percent` of the cells, in steps of 20 px."""
    extents = np.maximum(measured["width"], measured["height"])
    extents = extents[np.isfinite(extents)]
    side = np.percentile(extents, percent) if extents.size else 0
    return Crop(crop=int(np.clip(np.ceil(side / 20) * 20, THUMBNAIL, 4096)), size=THUMBNAIL)
