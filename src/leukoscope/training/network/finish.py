"""What follows the last epoch of a network: card, export, and what validation persons set."""

from pathlib import Path

import numpy as np
from torch import nn

from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.partition import Split
from leukoscope.inference.model_file.card import Card
from leukoscope.models.network.weights import described
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.calibration.calibrate import export_and_calibrate, new_card
from leukoscope.training.network.export import cam_bias, export

PACKAGES = ("torch", "onnx", "onnxruntime", "numpy")


def package_model(
    network: nn.Module,
    cohort: Cohort,
    cells: np.ndarray,
    recipe: NetworkRecipe,
    split: Split,
    path: Path,
    *,
    synthetic: bool,
    target_recall: float = 0.95,
) -> Card:
    """Export a trained network, then calibrate the file and set its operating point.

    Args:
        network: The best epoch's.
        cohort: N cells with label, person, subject, sha256, part.
        cells: uint8 (N, S, S, 3).
        recipe: What it was trained by.
        split: How the parts were made.
        path: The model file to write.
        synthetic: The cells were drawn, not photographed.
        target_recall: The wanted recall of ALL.

    Returns:
        The card, as it stands in the file.

    Raises:
        ParityError: The exported model answers differently.
    """
    bias = cam_bias(network, recipe.input.size)
    recipe = recipe.with_settings({"network.weights": described(recipe.network)})
    card = new_card(
        cohort,
        recipe,
        split,
        synthetic=synthetic,
        packages=PACKAGES,
        heatmap="none" if bias is None else "cam",
        cam_bias=bias,
    )

    def write(card: Card, some: np.ndarray) -> None:
        export(network, card, path, some)

    return export_and_calibrate(write, card, cohort, cells, path, target_recall)
