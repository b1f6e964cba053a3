"""A real, tiny ONNX model for tests: one convolution, ReLU, global average pooling, one weight row.

Its heatmap is the exact class activation map, as in the models that `leukoscope train` exports.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from leukoscope.core.values import Cells, MetricResult, OperatingPoint, SplitReference
from leukoscope.data.imaging.image import Crop
from leukoscope.inference.model_file.card import (
    Card,
    DataSource,
    OperatingCurve,
    Training,
)
from leukoscope.inference.model_file.hashes import pack_hashes
from leukoscope.inference.model_file.model_file import write_card
from leukoscope.inference.rejection.image_checks import Range, fit_ranges, image_quality

SIZE = 32
CROP = 256
CHANNELS = 6
BIAS = -0.25


def tiny_card(**changes: Any) -> Card:
    """A valid card for the tiny model; `changes` replace its fields."""
    card = Card(
        name="tiny",
        created="2026-01-02T03:04:05+00:00",
        input=Crop(crop=CROP, size=SIZE),
        training=Training(
            split=SplitReference(kind="person", seed=0, leaky=False),
            persons={"train": ("1", "H2"), "validation": ("3",)},
            subjects=("1", "15", "H2", "3"),
            hashes=pack_hashes(["ab" * 32, "cd" * 32]),
            cells={"train": {"ALL": 5, "HEM": 4}, "validation": {"ALL": 2, "HEM": 1}},
            synthetic=True,
        ),
        data=DataSource(name="made up", citation="none", license="CC0-1.0", doi=""),
        license="Apache-2.0",
        heatmap="cam",
        cam_bias=BIAS,
        recipe={"name": "tiny", "size": SIZE},
        versions={"leukoscope": "0"},
        temperature=1.5,
        operating_point=OperatingPoint(0.4, 0.95, 0.96, 0.7, Cells("validation", 1, 3)),
        operating_curve=OperatingCurve((1.0, 0.96, 0.5, 0.0), (0.0, 0.7, 0.9, 1.0)),
        results={"auroc": MetricResult(0.9, 0.8, None, "test", 2, 30)},
    )
    return replace(card, **changes)


def tiny_network(size: int = SIZE, seed: int = 0) -> onnx.ModelProto:
    """The network without a card: uint8 NHWC in, logit, heatmap and embedding out."""
    random = np.random.default_rng(seed)
    weights = {
        "scale": np.float32(1 / 255),
        "kernel": random.normal(0, 0.4, (CHANNELS, 3, 3, 3)).astype(np.float32),
        "row": random.normal(0, 3, (CHANNELS, 1)).astype(np.float32),
        "column": np.zeros((1, CHANNELS, 1, 1), np.float32),
        "bias": np.float32([BIAS]),
        "last": np.array([1], np.int64),
        "space": np.array([2, 3], np.int64),
    }
    weights["column"] = weights["row"].reshape(1, CHANNELS, 1, 1)
    node = helper.make_node
    nodes = [
        node("Cast", ["cells"], ["float"], to=TensorProto.FLOAT),
        node("Mul", ["float", "scale"], ["scaled"]),
        node("Transpose", ["scaled"], ["nchw"], perm=[0, 3, 1, 2]),
        node("Conv", ["nchw", "kernel"], ["conv"], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", ["conv"], ["features"]),
        node("Mul", ["features", "column"], ["weighted"]),
        node("ReduceSum", ["weighted", "last"], ["heatmap"], keepdims=0),
        node("ReduceMean", ["features", "space"], ["embedding"], keepdims=0),
        node("MatMul", ["embedding", "row"], ["raw"]),
        node("Add", ["raw", "bias"], ["biased"]),
        node("Squeeze", ["biased", "last"], ["logit"]),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [info("cells", TensorProto.UINT8, ["N", size, size, 3])],
        [
            info("logit", TensorProto.FLOAT, ["N"]),
            info("heatmap", TensorProto.FLOAT, ["N", size // 2, size // 2]),
            info("embedding", TensorProto.FLOAT, ["N", CHANNELS]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    onnx.checker.check_model(model)
    return model


def write_tiny_model(path: Path, *, card: Card | None = None, seed: int = 0) -> Path:
    """Write the tiny model with its card to `path`."""
    card = card or tiny_card()
    path.write_bytes(tiny_network(card.input.size, seed).SerializeToString())
    write_card(path, card)
    return path


def cell_image(seed: int = 0, side: int = 450) -> np.ndarray:
    """A purple blob with noise on black, uint8 (side, side, 3); the same blob at any side."""
    random = np.random.default_rng(seed)
    blob = random.integers(60, 220, (160, 160, 3)).astype(np.uint8)
    rows, columns = np.mgrid[:160, :160] - 79.5
    blob[(rows**2 + columns**2) > (40 + seed % 40) ** 2] = 0
    image = np.zeros((side, side, 3), np.uint8)
    start = (side - 160) // 2
    image[start : start + 160, start : start + 160] = blob
    return image


def known_ranges(count: int = 40) -> dict[str, Range]:
    """The ranges of image quality over cells of `cell_image`."""
    return fit_ranges([image_quality(cell_image(seed)) for seed in range(count)])
