"""Try the export of a network before its training, and begin its card after it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.partition import Split
from leukoscope.inference.model_file.card import Card
from leukoscope.models.network.networks import build
from leukoscope.models.network.onnx_export import TrainedNetwork, cam_bias
from leukoscope.models.network.weights import described
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.calibration.new_card import new_card

PACKAGES = ("torch", "onnx", "onnxruntime", "numpy")


def network_card(network: nn.Module, cohort: Cohort, recipe: NetworkRecipe, split: Split) -> Card:
    """The card of a trained network, not yet calibrated.

    Args:
        network: On the CPU, in float32 and evaluation mode.
        cohort: N cells with label, person, subject, sha256 and part.
        recipe: The recipe it was trained by.
        split: How the subsets were made.
    """
    bias = cam_bias(network, recipe.input.size)
    recipe = recipe.with_settings({"network.weights": described(recipe.network)})
    heatmap = "none" if bias is None else "cam"
    return new_card(cohort, recipe, split, packages=PACKAGES, heatmap=heatmap, cam_bias=bias)


def try_export(recipe: NetworkRecipe) -> None:
    """Export the untrained network of a recipe, to find out before the training whether it works.

    Raises:
        ModelFileError: PyTorch cannot write it as ONNX.
    """
    with TemporaryDirectory() as folder:
        network = TrainedNetwork(build(recipe).eval(), recipe.input.size)
        network.to_onnx(Path(folder) / "trial.onnx")
