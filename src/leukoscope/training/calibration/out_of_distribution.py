"""What a model knows: the looks of its cells, and where they lie in its embedding.

The limits that follow stand in the card. Test persons have no part in them.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.core.progress import track
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.image import decode
from leukoscope.evaluation.metrics.calibration import person_weights
from leukoscope.evaluation.metrics.conformal import person_limit
from leukoscope.inference.model_file.limits import OutOfDistribution
from leukoscope.inference.rejection.image_checks import Range, fit_ranges, image_quality
from leukoscope.inference.rejection.mahalanobis import METHOD, GaussianModel, fit_gaussian

Look = Mapping[str, float]
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


def quality_ranges(cohort: Cohort, rows: np.ndarray, jobs: int = 2) -> dict[str, Range] | None:
    """The range of looks of some cells, of training and validation persons; see `quality_range`."""
    return quality_range(measure_quality(cohort.select(rows).paths, jobs))


def measure_quality(paths: Sequence[Path], jobs: int = 2) -> list[Look | None]:
    """How image files look, by `image_checks.look`; None where one cannot be read.

    Args:
        paths: The files.
        jobs: Threads.
    """

    def looked(path: Path) -> Look | None:
        try:
            return image_quality(decode(path))
        except ImageError:
            return None

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        return list(track(pool.map(looked, paths), "Looking at known cells", total=len(paths)))


def quality_range(seen: Iterable[Look | None]) -> dict[str, Range] | None:
    """The range of looks of known cells; None where fewer than `FEWEST` could be read."""
    read = [one for one in seen if one is not None]
    return fit_ranges(read) if len(read) >= FEWEST else None


def fit_detector(
    train: np.ndarray, trained: np.ndarray, validation: np.ndarray, validated: np.ndarray
) -> OutOfDistribution | None:
    """The cloud of the training cells, and how far from it validation cells lie.

    Args:
        train: (N, d) embeddings of training cells.
        trained: (N,) their persons.
        validation: (M, d) embeddings of validation cells.
        validated: (M,) their persons.

    Returns:
        None where the embeddings do not differ.
    """
    space = person_space(train, trained)
    return None if space is None else usual(space, distances(space, validation), validated)


def person_space(embedding: np.ndarray, person: np.ndarray) -> GaussianModel | None:
    """The cloud of embeddings (N, d) in which persons (N,) weigh the same."""
    return fit_gaussian(embedding, person_weights(person.astype(str)))


def distances(space: GaussianModel, embedding: np.ndarray) -> np.ndarray:
    """How far from a cloud each embedding (N, d) lies, (N,)."""
    return np.array([space.distance(one) for one in embedding])


def usual(space: GaussianModel, far: np.ndarray, person: np.ndarray) -> OutOfDistribution:
    """A cloud with the distance up to which a cell is taken for one of its kind.

    Args:
        space: The cloud.
        far: (N,) how far from it, or from one like it, cells of persons lie that it was not made
            of.
        person: (N,) whose cells.
    """
    limit = person_limit(far, person.astype(str), FALSE_ALARMS)
    return OutOfDistribution(METHOD, space, limit)
