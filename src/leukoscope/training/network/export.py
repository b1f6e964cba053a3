"""From the trained network to one ONNX file, checked on real cells before it gets its name."""

import contextlib
import io
import logging
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn

from leukoscope.core.errors import ModelFileError
from leukoscope.core.files import atomic_path
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import load, write_card
from leukoscope.models.network.networks import build
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.calibration.calibrate import check_parity


class _Outputs(nn.Module):
    """A network whose answer is the tuple the file promises."""

    def __init__(self, network: nn.Module, heatmap: bool) -> None:
        super().__init__()
        self.network, self.heatmap = network, heatmap

    def forward(self, cells: Tensor) -> tuple[Tensor, ...]:
        answer = self.network(cells)
        outputs = (answer.logit, answer.embedding)
        return (*outputs, answer.heatmap) if self.heatmap else outputs


def cam_bias(network: nn.Module, size: int) -> float | None:
    """What the heatmap's mean lacks to be the logit; None for a network without an exact map."""
    with torch.inference_mode():
        answer = network(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    if answer.heatmap is None:
        return None
    return float(network.get_parameter("classifier.bias").item())


def export(network: nn.Module, card: Card, path: Path, cells: np.ndarray) -> float:
    """Write the model file and compare it with the network on some cells.

    Args:
        network: Trained, on the CPU, in float32 and evaluation mode.
        card: Goes into the file.
        path: Where to write; nothing appears there unless the comparison holds.
        cells: uint8 (n, S, S, 3), real cells to compare on.

    Returns:
        The largest difference between the two logits.

    Raises:
        ModelFileError: PyTorch cannot write the network as ONNX.
        ParityError: The exported model answers differently, or its heatmap is not what the card
            says.
    """
    has_heatmap = card.heatmap == "cam"
    names = ["logit", "embedding"] + (["heatmap"] if has_heatmap else [])
    with atomic_path(path) as temporary:
        _write_onnx(_Outputs(network, has_heatmap), card.input.size, names, temporary)
        write_card(temporary, card)
        difference = _difference(network, temporary, cells, card)
        check_parity(path, difference)
    return difference


def try_export(recipe: NetworkRecipe) -> None:
    """Export the untrained network of a recipe for nothing, so that training it is not in vain.

    Raises:
        ModelFileError: PyTorch cannot write it as ONNX.
    """
    network, size = build(recipe).eval(), recipe.input.size
    has_heatmap = cam_bias(network, size) is not None
    names = ["logit", "embedding"] + (["heatmap"] if has_heatmap else [])
    with TemporaryDirectory() as folder:
        _write_onnx(_Outputs(network, has_heatmap), size, names, Path(folder) / "trial.onnx")


def _write_onnx(network: nn.Module, size: int, outputs: list[str], path: Path) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                network.eval(),
                (example,),
                path,
                input_names=["cells"],
                output_names=outputs,
                dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # the exporter's errors share no base class
            reason = " ".join(str(error.__cause__ or error).split())[:160]
            raise ModelFileError(
                f"PyTorch cannot write this network as ONNX ({reason}); choose another "
                "network.architecture."
            ) from error
    _forget_origin(path)


def _forget_origin(path: Path) -> None:
    """Drop the exporter's notes: a stack trace per node, with the paths of this machine."""
    import onnx

    model = onnx.load(path)
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    del model.metadata_props[:]
    onnx.save(model, path)


def _difference(network: nn.Module, path: Path, cells: np.ndarray, card: Card) -> float:
    """The largest difference of logits, heatmap means included where they are promised."""
    exported = load(path).run(cells, heatmaps=card.heatmap == "cam", embeddings=False)
    with torch.inference_mode():
        trained = network(torch.from_numpy(np.ascontiguousarray(cells))).logit.numpy()
    difference = float(np.abs(exported.logit - trained).max())
    if exported.heatmap is not None and card.cam_bias is not None:
        mapped = exported.heatmap.mean(axis=(1, 2)) + card.cam_bias
        difference = max(difference, float(np.abs(mapped - trained).max()))
    return difference
