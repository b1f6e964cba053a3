"""From a fitted model to a calibrated model file, published in one step.

Temperature, operating point and abstention limits are set on the predictions of the exported file
for validation cells, so they belong to the file that people use.
"""

from pathlib import Path
from typing import Protocol

import numpy as np

from leukoscope.core.errors import ParityError
from leukoscope.core.files import atomic_path
from leukoscope.data.cohort import Cohort
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import ModelFile, load, write_card
from leukoscope.training.calibration.calibrate import calibrate
from leukoscope.training.calibration.file_outputs import Inputs, predict_logits
from leukoscope.training.calibration.out_of_distribution import add_rejection_limits
from leukoscope.training.plausible import check_converged

PARITY_CELLS = 64
# Of a logit: a probability moves by a quarter of this at most, which no printed digit shows.
TOLERANCE = 1e-3


class TrainedModel(Protocol):
    """A fitted model that can be written as ONNX."""

    def to_onnx(self, path: Path) -> None:
        """Write the model, without a card."""

    def file_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits (n,) that the file should give for its own inputs (n, ...)."""


def package_model(
    model: TrainedModel,
    card: Card,
    cohort: Cohort,
    inputs: Inputs,
    path: Path,
    *,
    target_recall: float,
) -> Card:
    """Export a fitted model, verify and calibrate the file, and publish it with its card.

    The file gets its name when it is complete: whatever stops this function earlier leaves `path`
    as it was.

    Args:
        model: Fitted on the training cells.
        card: From `new_card`, not yet calibrated.
        cohort: N cells with label, person and part.
        inputs: Inputs of the model file, one row per cell.
        path: Where the model file goes.
        target_recall: The wanted sensitivity for ALL at the operating point.

    Returns:
        The card in the file.

    Raises:
        ModelFileError: The model cannot be written as ONNX.
        ParityError: The file and the fitted model differ.
        TrainingError: The training has diverged.
    """
    validation = np.flatnonzero(cohort["part"] == "validation")
    with atomic_path(path) as temporary:
        exported = export(model, card, temporary)
        verify_parity(model, exported, inputs, validation, path)
        logit = predict_logits(exported, inputs, validation)
        card = calibrate(card, cohort.select(validation), logit, "validation", target_recall)
        card = add_rejection_limits(card, exported, cohort, inputs)
        write_card(temporary, card)
    return card


def export(model: TrainedModel, card: Card, path: Path) -> ModelFile:
    """Write a model as ONNX, and open it with a card that is not in the file yet."""
    model.to_onnx(path)
    return load(path, card=card, threads=0)


def verify_parity(
    model: TrainedModel, exported: ModelFile, inputs: Inputs, rows: np.ndarray, path: Path
) -> float:
    """Compare the exported file with the fitted model on real cells.

    Where the card promises an exact heatmap, the logits that follow from it are compared as well.

    Args:
        model: As it was fitted.
        exported: Its file.
        inputs: Inputs of the file, one row per cell.
        rows: The rows to choose from; up to `PARITY_CELLS` are used, evenly spaced.
        path: The file's final name, for the error.

    Returns:
        The largest difference between two logits.

    Raises:
        ParityError: It exceeds `TOLERANCE`, or is not a number.
        TrainingError: The fitted model's own logits are not numbers of a usual size.
    """
    chosen = rows[:: max(1, len(rows) // PARITY_CELLS)][:PARITY_CELLS]
    values = np.ascontiguousarray(inputs[chosen])
    expected = model.file_logits(values)
    check_converged(expected, str(path))
    outputs = exported.run_inputs(values, heatmaps=exported.card.heatmap == "cam")
    difference = float(np.abs(outputs.logit - expected).max())
    if outputs.heatmap is not None and exported.card.cam_bias is not None:
        from_map = outputs.heatmap.mean(axis=(1, 2)) + exported.card.cam_bias
        difference = max(difference, float(np.abs(from_map - expected).max()))
    if not difference <= TOLERANCE:
        raise ParityError(
            f"{path}: the exported model's logits differ from the trained model's by "
            f"{difference:.2g} (at most {TOLERANCE:g}); nothing was written. Please report "
            "this with the recipe."
        )
    return difference
