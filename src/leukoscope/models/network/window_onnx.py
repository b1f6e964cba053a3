"""The window of a cell as nodes of an ONNX graph.

The size of a window depends on the pixels, which PyTorch's exporter cannot follow. So a network is
exported for windows of any size, and these nodes are put in front of it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from leukoscope.models.network.cell_window import AFTER, BEFORE
from leukoscope.models.network.onnx_export import TrainedNetwork, export
from leukoscope.models.network.settings import ALIGN
from leukoscope.models.network.texture import TextureNetwork


class WindowedNetwork(TrainedNetwork):
    """A trained network that looks at the window of a cell, for `package_model`.

    Args:
        network: On the CPU, in float32 and evaluation mode.
        size: Side of its input in pixels.
    """

    def __init__(self, network: TextureNetwork, size: int) -> None:
        super().__init__(network, size)
        self.inner = _InWindow(network)

    def to_onnx(self, path: Path) -> None:
        """Write the network as one ONNX file, without a card.

        Raises:
            ModelFileError: PyTorch cannot write it as ONNX.
        """
        import onnx

        most = self.size // ALIGN
        rows, columns = (torch.export.Dim(name, min=1, max=most) for name in ("rows", "columns"))
        example = torch.zeros(2, self.size - ALIGN, self.size, 3, dtype=torch.uint8)
        shapes = {0: torch.export.Dim("N", min=1), 1: ALIGN * rows, 2: ALIGN * columns}
        inputs = {
            "cells": (example, shapes),
            "top": (torch.tensor(ALIGN), None),
            "left": (torch.tensor(0), None),
        }
        export(self.inner, inputs, ["logit", "embedding", "heatmap"], path)
        onnx.save(prepend_window(onnx.load(path), self.size), path)

    def file_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits (n,) of cells uint8 (n, S, S, 3), each in a window of its own."""
        cells = (inputs[row : row + 1] for row in range(len(inputs)))
        return np.concatenate([super(WindowedNetwork, self).file_logits(cell) for cell in cells])


class _InWindow(nn.Module):
    """A network of windows whose output is a tuple."""

    def __init__(self, network: TextureNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, cells: Tensor, top: Tensor, left: Tensor) -> tuple[Tensor, ...]:
        answer = self.network.in_window(cells, top, left)
        assert answer.heatmap is not None
        return answer.logit, answer.embedding, answer.heatmap


def prepend_window(model: Any, side: int) -> Any:
    """An ONNX model that takes whole crops, from one that takes windows.

    Args:
        model: An ONNX model with the inputs `cells` uint8 (N, h, w, 3), `top` and `left` int64 ().
        side: Side of the crop.

    Returns:
        The model with the single input `cells`, uint8 (N, side, side, 3); the same as
        `cell_window.window` before the network.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for node in graph.node:
        node.input[:] = ["window" if name == "cells" else name for name in node.input]
    lines = [*_LIGHT, *_span("row", "top"), *_span("column", "left"), *_CUT]
    nodes = [
        helper.make_node(kind, inputs, [output], **attributes)
        for kind, inputs, output, attributes in lines
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in _constants(side).items()]
    own = list(graph.node)
    del graph.node[:], graph.input[:]
    graph.node.extend([*nodes, *own])
    graph.initializer.extend(tensors)
    crop = helper.make_tensor_value_info("cells", TensorProto.UINT8, ["N", side, side, 3])
    graph.input.append(crop)
    return model


Line = tuple[str, list[str], str, dict[str, Any]]
"""A node: operator, inputs, output, attributes."""

# Sums of 8-bit values along rows and columns, by a matrix product, which is much faster than a
# maximum; 0 where all is black.
_LIGHT: list[Line] = [
    ("Reshape", ["cells", "crop_flat"], "crop", {}),  # (N, side, 3 side)
    ("MatMulInteger", ["crop", "crop_right"], "row_sum", {}),  # (N, side, 1)
    ("MatMulInteger", ["crop_left", "crop"], "column_colors", {}),  # (N, 1, 3 side)
    ("Reshape", ["column_colors", "crop_colors"], "column_sum", {}),  # (N, side, 3)
    ("ReduceMax", ["row_sum", "crop_axes"], "row_light", {"keepdims": 0}),  # (side,)
    ("ReduceMax", ["column_sum", "crop_axes"], "column_light", {"keepdims": 0}),
]

_CUT: list[Line] = [
    ("Concat", ["row_begin", "column_begin"], "window_begin", {"axis": 0}),
    ("Concat", ["row_end", "column_end"], "window_end", {"axis": 0}),
    ("Slice", ["cells", "window_begin", "window_end", "window_axes"], "window", {}),
]


def _span(name: str, begin: str) -> list[Line]:
    """`cell_window._span`: from `name`_light to `name`_begin and `name`_end, both (1,)."""
    return [
        ("Greater", [f"{name}_light", "crop_black"], f"{name}_seen", {}),
        ("Where", [f"{name}_seen", "crop_position", "crop_side"], f"{name}_low", {}),
        ("ReduceMin", [f"{name}_low", "crop_first"], f"{name}_first", {"keepdims": 1}),
        ("Where", [f"{name}_seen", "crop_position", "crop_none"], f"{name}_high", {}),
        ("ReduceMax", [f"{name}_high", "crop_first"], f"{name}_last", {"keepdims": 1}),
        ("Less", [f"{name}_last", "crop_zero"], f"{name}_empty", {}),
        ("Sub", [f"{name}_first", "crop_before"], f"{name}_early", {}),
        ("Max", [f"{name}_early", "crop_zero"], f"{name}_early_or_0", {}),
        ("Where", [f"{name}_empty", "crop_zero", f"{name}_early_or_0"], f"{name}_from", {}),
        ("Div", [f"{name}_from", "crop_align"], f"{name}_from_count", {}),
        ("Mul", [f"{name}_from_count", "crop_align"], f"{name}_begin", {}),
        ("Squeeze", [f"{name}_begin", "crop_first"], begin, {}),
        ("Add", [f"{name}_last", "crop_after"], f"{name}_late", {}),
        ("Where", [f"{name}_empty", "crop_side", f"{name}_late"], f"{name}_to", {}),
        ("Div", [f"{name}_to", "crop_align"], f"{name}_to_count", {}),
        ("Mul", [f"{name}_to_count", "crop_align"], f"{name}_end", {}),  # may lie beyond the crop
    ]


def _constants(side: int) -> dict[str, np.ndarray]:
    number, byte = np.int64, np.uint8
    return {
        "crop_flat": np.array([-1, side, 3 * side], number),
        "crop_colors": np.array([-1, side, 3], number),
        "crop_right": np.ones((3 * side, 1), byte),
        "crop_left": np.ones((1, side), byte),
        "crop_axes": np.array([0, 2], number),
        "crop_first": np.array([0], number),
        "crop_black": np.array(0, np.int32),
        "crop_zero": np.array(0, number),
        "crop_none": np.array(-1, number),
        "crop_side": np.array(side, number),
        "crop_before": np.array(BEFORE, number),
        "crop_after": np.array(1 + AFTER + ALIGN - 1, number),
        "crop_align": np.array(ALIGN, number),
        "crop_position": np.arange(side, dtype=number),
        "window_axes": np.array([1, 2], number),
    }
