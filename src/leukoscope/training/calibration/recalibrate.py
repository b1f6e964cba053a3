"""Calibrate the model file of a finished run again: no weight changes, and no PyTorch is needed."""

from dataclasses import replace

import numpy as np

from leukoscope.data.audit.checked import require_unchanged
from leukoscope.data.cohort import UNKNOWN
from leukoscope.data.hashing import hash_cells
from leukoscope.data.scale import scale_of
from leukoscope.evaluation.metrics.operating_point import TARGET_RECALL
from leukoscope.inference.model_file.card import SCHEMA, Card
from leukoscope.inference.model_file.hashes import pack_hashes
from leukoscope.inference.model_file.model_file import load, write_card
from leukoscope.training.calibration.calibrate import calibrate
from leukoscope.training.calibration.file_outputs import predict_logits
from leukoscope.training.calibration.model_inputs import model_inputs
from leukoscope.training.calibration.new_card import SEEN
from leukoscope.training.calibration.out_of_distribution import add_rejection_limits
from leukoscope.training.run import Run


def recalibrate(run: Run, *, jobs: int = 2) -> Card:
    """Set temperature, operating point and limits of a run's model file on its validation persons.

    So a model of an earlier version learns to abstain, and to know copies of its images in other
    formats. Results on test persons are removed from the
    card, since the predictions can change; `leukoscope evaluate` writes them again.

    Args:
        run: Finished, with its images where its cohort says.
        jobs: Number of threads.

    Returns:
        The card in the file.

    Raises:
        TrainingError: The images of its training or validation cells are gone.
        CohortError: Images have changed since the training.
    """
    file = load(run.model, threads=0)
    cohort = run.cohort.select(np.flatnonzero(run.cohort["label"] != UNKNOWN))
    hashed = hash_cells(cohort, jobs=jobs)
    require_unchanged(cohort, hashed, "the training")
    seen = hashed.select(np.isin(hashed["part"], SEEN))
    pixels = pack_hashes(filter(None, seen["pixel_sha256"]))
    training = replace(file.card.training, pixels=pixels)
    cohort, inputs = model_inputs(file.card, cohort, jobs)
    point = file.card.operating_point
    target_recall = point.target_recall if point else TARGET_RECALL
    validation = np.flatnonzero(cohort["part"] == "validation")
    logit = predict_logits(file, inputs, validation)
    card = replace(file.card, schema=SCHEMA, results={}, training=training, scale=scale_of(seen))
    card = calibrate(card, cohort.select(validation), logit, "validation", target_recall)
    card = add_rejection_limits(card, file, cohort, inputs)
    write_card(run.model, card)
    return card
