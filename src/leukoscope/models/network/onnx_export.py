"""Write a network as one ONNX file."""

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from leukoscope.core.errors import ModelFileError

AT_A_TIME = 4
"""Cells in one call of a network, which bounds its memory."""


class TrainedNetwork:
    """A trained network for `package_model`.

    Args:
        network: On the CPU, in float32 and evaluation mode.
        size: Side of its input in pixels.
    """

    def __init__(self, network: nn.Module, size: int) -> None:
        self.network, self.size = network, size

    def to_onnx(self, path: Path) -> None:
        """Write the network as one ONNX file, without a card.

        Raises:
            ModelFileError: PyTorch cannot write it as ONNX.
        """
        has_heatmap = cam_bias(self.network, self.size) is not None
        names = ["logit", "embedding"] + (["heatmap"] if has_heatmap else [])
        example = torch.zeros(2, self.size, self.size, 3, dtype=torch.uint8)
        shapes = {0: torch.export.Dim("N", min=1)}
        export(_Outputs(self.network, has_heatmap), {"cells": (example, shapes)}, names, path)

    def file_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits (n,) of cells uint8 (n, S, S, 3).

        A few cells at a time: the layers of one cell of 450 px take some 30 MB.
        """
        parts = [inputs[start : start + AT_A_TIME] for start in range(0, len(inputs), AT_A_TIME)]
        with torch.inference_mode():
            cells = (torch.from_numpy(np.ascontiguousarray(part)) for part in parts)
            return np.concatenate([self.network(few).logit.numpy() for few in cells])


def cam_bias(network: nn.Module, size: int) -> float | None:
    """The logit less the heatmap's mean; None for a network without an exact heatmap."""
    with torch.inference_mode():
        answer = network(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    if answer.heatmap is None:
        return None
    return float(network.get_parameter("classifier.bias").item())


class _Outputs(nn.Module):
    """A network whose output is the tuple that the file promises."""

    def __init__(self, network: nn.Module, heatmap: bool) -> None:
        super().__init__()
        self.network, self.heatmap = network, heatmap

    def forward(self, cells: Tensor) -> tuple[Tensor, ...]:
        answer = self.network(cells)
        outputs = (answer.logit, answer.embedding)
        return (*outputs, answer.heatmap) if self.heatmap else outputs


def export(
    network: nn.Module,
    inputs: Mapping[str, tuple[Tensor, Mapping[int, Any] | None]],
    outputs: list[str],
    path: Path,
) -> None:
    """Write a module as ONNX.

    Args:
        network: Returns a tuple of tensors.
        inputs: An example of each input and the dimensions of it that vary, by name.
        outputs: Names of the outputs.
        path: The file.

    Raises:
        ModelFileError: PyTorch cannot write it as ONNX.
    """
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                network.eval(),
                tuple(example for example, _ in inputs.values()),
                path,
                input_names=list(inputs),
                output_names=outputs,
                dynamic_shapes=tuple(shapes for _, shapes in inputs.values()),
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
    _strip_origin(path)


def _strip_origin(path: Path) -> None:
    """Drop the exporter's notes: a stack trace per node, with paths of this machine."""
    import onnx

    model = onnx.load(path)
    for node in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del node.metadata_props[:]
        node.ClearField("doc_string")
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    del model.metadata_props[:]
    onnx.save(model, path)
