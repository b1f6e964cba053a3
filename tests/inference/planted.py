"""A model whose logit is known to come from one place: the red of a square in the crop's middle."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from leukoscope.data.imaging.image import Crop
from leukoscope.inference.model_file.model_file import write_card
from tests.inference.tiny_model import tiny_card

SIZE = 300
PLACE = (slice(125, 175), slice(150, 200))
"""Rows and columns the logit is read from: patches 5 and 6 down, 6 and 7 across."""


def write_planted(path: Path) -> Path:
    """The sum over `PLACE` of red less the sum of blue, a hundredth of it."""
    weights = np.zeros((1, SIZE, SIZE, 3), np.float32)
    weights[0, *PLACE, 0] = 0.01
    weights[0, *PLACE, 2] = -0.01
    value, kind, node = helper.make_tensor_value_info, TensorProto.FLOAT, helper.make_node
    graph = helper.make_graph(
        [
            node("Cast", ["cells"], ["float"], to=kind),
            node("Mul", ["float", "weights"], ["weighted"]),
            node("ReduceSum", ["weighted", "all"], ["logit"], keepdims=0),
            node("Unsqueeze", ["logit", "last"], ["embedding"]),
        ],
        "planted",
        [value("cells", TensorProto.UINT8, ["N", SIZE, SIZE, 3])],
        [value("logit", kind, ["N"]), value("embedding", kind, ["N", 1])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1, 2, 3]), "all"),
            numpy_helper.from_array(np.array([1]), "last"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, path)
    card = tiny_card(input=Crop(SIZE, SIZE), heatmap="none", cam_bias=None, name="planted")
    write_card(path, card)
    return path
