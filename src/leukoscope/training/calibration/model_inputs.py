"""The inputs of a model file for the cells of a cohort, from the cache."""

import logging

import numpy as np

from leukoscope.data.cohort import Cohort
from leukoscope.data.descriptors import NAMES
from leukoscope.inference.model_file.card import Card
from leukoscope.training.cache import cached_crops, cached_descriptors, usable_rows

log = logging.getLogger(__name__)


def model_inputs(card: Card, cohort: Cohort, jobs: int) -> tuple[Cohort, np.ndarray]:
    """The readable cells, and the model's inputs for them; what is left out is logged.

    Args:
        card: The card of the model.
        cohort: The cells.
        jobs: Number of threads.
    """
    cached = cached_crops if card.descriptors is None else cached_descriptors
    crops = cached(cohort, card.input, jobs=jobs)
    for problem in crops.problems.values():
        log.warning("skipped: %s", problem)
    rows = usable_rows(cohort, crops.problems)
    inputs = np.asarray(crops.cells[rows]) if len(rows) < len(cohort) else crops.cells
    if card.descriptors is not None:
        inputs = np.asarray(inputs)[:, [NAMES.index(name) for name in card.descriptors.names]]
    return cohort.select(rows), inputs
