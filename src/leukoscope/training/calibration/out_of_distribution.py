"""Rejection limits of a model: the image quality and the embeddings of its own cells.

They are set on training and validation cells and are part of the card. Test persons have no part in
them.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.core.progress import track
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.image import decode
from leukoscope.evaluation.metrics.calibration import person_weights
from leukoscope.evaluation.metrics.conformal import person_limit
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.limits import OutOfDistribution
from leukoscope.inference.model_file.model_file import ModelFile
from leukoscope.inference.rejection.image_checks import Range, fit_ranges, image_quality
from leukoscope.inference.rejection.mahalanobis import METHOD, GaussianModel, fit_gaussian
from leukoscope.training.calibration.file_outputs import Inputs, predict_embeddings

Quality = Mapping[str, float]
"""The measures of `image_checks.image_quality` of one image."""
# The fraction of a new person's cells that may be rejected as unlike the training cells.
FALSE_ALARMS = 0.01
# Cells measured of each person: more would add little and take their time.
PER_PERSON = 200
FEWEST = 20
"""The range of fewer cells would be no guide to other cells."""


def add_rejection_limits(card: Card, file: ModelFile, cohort: Cohort, inputs: Inputs) -> Card:
    """The card with limits on image quality and on the distance from the training cells.

    Args:
        card: A card to complete.
        file: The exported model, which gives the embeddings.
        cohort: N cells with person and part.
        inputs: Inputs of the model file, one row per cell.
    """
    part, person = cohort["part"], cohort["person"]
    train = sample(person, np.flatnonzero(part == "train"))
    validation = sample(person, np.flatnonzero(part == "validation"))
    return replace(
        card,
        image_limits=quality_ranges(cohort, np.concatenate([train, validation])),
        out_of_distribution=fit_detector(
            predict_embeddings(file, inputs, train),
            person[train],
            predict_embeddings(file, inputs, validation),
            person[validation],
        ),
    )


def sample(person: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """At most `PER_PERSON` of the rows of each person, evenly spaced."""
    chosen = []
    for name in np.unique(person[rows].astype(str)):
        of_person = rows[person[rows] == name]
        places = np.linspace(0, len(of_person) - 1, min(PER_PERSON, len(of_person)))
        chosen.append(of_person[np.unique(places.astype(int))])
    return np.sort(np.concatenate(chosen)) if chosen else rows


def quality_ranges(cohort: Cohort, rows: np.ndarray, jobs: int = 2) -> dict[str, Range] | None:
    """The ranges of image quality over some cells; see `ranges_of`."""
    return ranges_of(measure_quality(cohort.select(rows).paths, jobs))


def measure_quality(paths: Sequence[Path], jobs: int = 2) -> list[Quality | None]:
    """Image quality of some files by `image_checks.image_quality`; None for an unreadable file.

    Args:
        paths: The image files.
        jobs: Number of threads.
    """

    def measured(path: Path) -> Quality | None:
        try:
            return image_quality(decode(path))
        except ImageError:
            return None

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        title = "Measuring image quality"
        return list(track(pool.map(measured, paths), title, total=len(paths)))


def ranges_of(qualities: Iterable[Quality | None]) -> dict[str, Range] | None:
    """The ranges of image quality over known cells; None if fewer than `FEWEST` show a cell."""
    readable = [quality for quality in qualities if quality is not None]
    shown = sum(np.isfinite([*quality.values()]).all() for quality in readable)
    return fit_ranges(readable) if shown >= FEWEST else None


def fit_detector(
    train: np.ndarray,
    train_person: np.ndarray,
    validation: np.ndarray,
    validation_person: np.ndarray,
) -> OutOfDistribution | None:
    """Fit the training embeddings, and set the distance limit on validation embeddings.

    Args:
        train: (N, d) embeddings of training cells.
        train_person: (N,) their persons.
        validation: (M, d) embeddings of validation cells.
        validation_person: (M,) their persons.

    Returns:
        None if all training embeddings are equal.
    """
    gaussian = fit_by_person(train, train_person)
    if gaussian is None:
        return None
    return set_limit(gaussian, distances(gaussian, validation), validation_person)


def fit_by_person(embedding: np.ndarray, person: np.ndarray) -> GaussianModel | None:
    """The Gaussian model of embeddings (N, d) with equal total weight for each person (N,)."""
    return fit_gaussian(embedding, person_weights(person.astype(str)))


def distances(gaussian: GaussianModel, embedding: np.ndarray) -> np.ndarray:
    """Mahalanobis distances (N,) of embeddings (N, d)."""
    return np.array([gaussian.distance(row) for row in embedding])


def set_limit(
    gaussian: GaussianModel, distance: np.ndarray, person: np.ndarray
) -> OutOfDistribution:
    """A detector that rejects cells beyond a distance set on persons it was not fitted on.

    Args:
        gaussian: The fitted model.
        distance: (N,) distances of such persons' cells from it, or from a model of other folds.
        person: (N,) person of each cell.
    """
    limit = person_limit(distance, person.astype(str), FALSE_ALARMS)
    return OutOfDistribution(METHOD, gaussian, limit)
