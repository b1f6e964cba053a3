"""A finished run's model file, calibrated anew: no weight changes, and no PyTorch is needed."""

from dataclasses import replace

import numpy as np

from leukoscope.core.errors import TrainingError
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.descriptors import NAMES
from leukoscope.evaluation.metrics.operating_point import TARGET_RECALL
from leukoscope.inference.model_file.card import SCHEMA, Card
from leukoscope.inference.model_file.model_file import read_card, write_card
from leukoscope.training.cache import cached_crops, cached_descriptors, usable_rows
from leukoscope.training.calibration.calibrate import add_rejection_limits, calibrated
from leukoscope.training.run import Run


def recalibrate(run: Run, *, jobs: int = 2) -> Card:
    """Set temperature, operating point and limits of a run's model file on its validation persons.

    So a model of an earlier version learns to abstain. What was measured on test persons is taken
    off the card where calls could change; `leukoscope evaluate` writes it anew.

    Args:
        run: Finished; its images still lie where its cohort says.
        jobs: Threads.

    Returns:
        The card, as it stands in the file.

    Raises:
        TrainingError: The images of its training or validation cells have gone.
    """
    card = read_card(run.model)
    cohort = run.cohort.select(np.flatnonzero(run.cohort["label"] != UNKNOWN))
    cohort, inputs = _inputs(card, cohort, jobs)
    if not {"train", "validation"} <= set(cohort["part"]):
        raise TrainingError(
            f"{run.folder}: the images of its cells can't be read any more, so its model can't be "
            "calibrated anew; put them back where its cohort.csv names them."
        )
    point = card.operating_point
    wanted = point.target_recall if point else TARGET_RECALL
    card = replace(card, schema=SCHEMA, results={})
    card = calibrated(card, run.model, cohort, inputs, wanted)
    card = add_rejection_limits(card, run.model, cohort, inputs)
    write_card(run.model, card)
    return card


def _inputs(card: Card, cohort: Cohort, jobs: int) -> tuple[Cohort, np.ndarray]:
    """The cells that can be read, and what the model is given of them."""
    cached = cached_crops if card.descriptors is None else cached_descriptors
    found = cached(cohort, card.input, jobs=jobs)
    rows = usable_rows(cohort, found.problems)
    inputs = np.asarray(found.cells[rows]) if len(rows) < len(cohort) else found.cells
    if card.descriptors is not None:
        inputs = np.asarray(inputs)[:, [NAMES.index(name) for name in card.descriptors.names]]
    return cohort.select(rows), inputs
