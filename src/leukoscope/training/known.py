"""What a model knows: the looks of its cells, and where they lie in its embedding.

The limits that follow stand in the card. Test persons have no part in them.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from leukoscope.data.cohort import Cohort
from leukoscope.data.image import decode
from leukoscope.errors import ImageError
from leukoscope.evaluation.calibration import person_weights
from leukoscope.evaluation.conformal import Limit, person_limit
from leukoscope.inference import limits as cards
from leukoscope.inference.distance import METHOD, fit_space
from leukoscope.inference.image_checks import Range, limits, look
from leukoscope.progress import track

# The share of a new person's cells that may be called unlike the training cells.
FALSE_ALARMS = 0.01
# Cells of each person that are looked at: more would say little that is new and take its time.
PER_PERSON = 200
FEWEST = 20
"""Of fewer cells the range would be no guide to other cells."""


def sample(person: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Some of the rows, at most `PER_PERSON` of each person, evenly through their cells."""
    chosen = []
    for name in np.unique(person[rows].astype(str)):
        own = rows[person[rows] == name]
        places = np.linspace(0, len(own) - 1, min(PER_PERSON, len(own)))
        chosen.append(own[np.unique(places.astype(int))])
    return np.sort(np.concatenate(chosen)) if chosen else rows


def image_limits(cohort: Cohort, rows: np.ndarray, jobs: int = 2) -> dict[str, Range] | None:
    """The range of looks of cells, from their image files.

    Args:
        cohort: The cells.
        rows: Which of them: of training and validation persons.
        jobs: Threads.

    Returns:
        None where fewer than `FEWEST` files can be read.
    """

    def looked(path: Path) -> dict[str, float] | None:
        try:
            return look(decode(path))
        except ImageError:
            return None

    paths = cohort.select(rows).paths
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        found = list(track(pool.map(looked, paths), "Looking at known cells", total=len(paths)))
    seen = [one for one in found if one is not None]
    return limits(seen) if len(seen) >= FEWEST else None


def known_space(
    train: np.ndarray, trained: np.ndarray, validation: np.ndarray, validated: np.ndarray
) -> cards.OutOfDistribution | None:
    """The cloud of the training cells, and how far from it validation cells lie.

    Args:
        train: (N, d) embeddings of training cells.
        trained: (N,) their persons.
        validation: (M, d) embeddings of validation cells.
        validated: (M,) their persons.

    Returns:
        None where the embeddings do not differ.
    """
    space = fit_space(train, person_weights(trained.astype(str)))
    if space is None:
        return None
    far = [space.distance(one) for one in validation]
    limit = person_limit(far, validated.astype(str), FALSE_ALARMS)
    return cards.OutOfDistribution(METHOD, space, card_limit(limit))


def card_limit(limit: Limit) -> cards.Limit:
    """A limit as a card holds it."""
    return cards.Limit(limit.value, limit.alpha, limit.guaranteed, limit.persons, limit.cells)
