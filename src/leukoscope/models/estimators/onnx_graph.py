"""ONNX graphs of estimators on descriptors.

skl2onnx converts an estimator of scikit-learn only. The nodes before it (standardizing) and after
it (from scores or votes to log-odds) are written here, in double precision where the estimator
computes in it, so that file and estimator differ by rounding to float32 only.
"""

import warnings
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

OPSETS = {"": 18, "ai.onnx.ml": 3}
IR_VERSION = 8

Source = Literal["features", "standard", "embedding"]
"""Tensors that an estimator can take: the descriptors (float), the standardized ones (double), and
the same rounded to float."""


@dataclass(frozen=True)
class OnnxPart:
    """The part of a graph from a `Source` to `logit`.

    Attributes:
        nodes: ONNX nodes in order.
        constants: Arrays by name.
        initializers: Further constants, as ONNX tensors.
        opsets: Versions of the operator sets by domain.
    """

    nodes: list[Any]
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    initializers: list[Any] = field(default_factory=list)
    opsets: dict[str, int] = field(default_factory=lambda: dict(OPSETS))


def assemble(mean: np.ndarray, std: np.ndarray, limit: float, part: OnnxPart) -> Any:
    """The whole ONNX model, from `features` (N, F) to `logit` (N,) and `embedding` (N, F).

    Args:
        mean: float64 (F,), mean of each descriptor.
        std: float64 (F,), its standard deviation.
        limit: Bound of the standardized descriptors.
        part: The nodes that follow.
    """
    from onnx import TensorProto, helper, numpy_helper

    constants = part.constants | {
        "mean": mean,
        "std": std,
        "low": np.array(-limit),
        "high": np.array(limit),
    }
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    value, kind, count = helper.make_tensor_value_info, TensorProto.FLOAT, len(mean)
    graph = helper.make_graph(
        [*_standardizing(), *part.nodes],
        "leukoscope",
        [value("features", kind, ["N", count])],
        [value("logit", kind, ["N"]), value("embedding", kind, ["N", count])],
        [*tensors, *part.initializers],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in part.opsets.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)


def score_part(model: Any, source: Source, count: int) -> OnnxPart:
    """A classifier of scikit-learn whose score of ALL is the logit.

    Args:
        model: The fitted classifier.
        source: The tensor that it is given.
        count: Number of descriptors.
    """
    from onnx import TensorProto
    from onnx.helper import make_node

    part = from_sklearn(model, source, count, zipmap=False, raw_scores=True)
    to_float = make_node("Cast", ["all_column"], ["logit"], to=TensorProto.FLOAT)
    return replace(part, nodes=[*part.nodes, to_float])


def from_sklearn(model: Any, source: Source, count: int, **options: Any) -> OnnxPart:
    """The estimator of scikit-learn, as skl2onnx converts it, to two columns of scores.

    The last tensors are `hem_column` and `all_column`, double (N,).

    Args:
        model: The fitted estimator.
        source: The tensor that it is given.
        count: Number of descriptors.
        **options: For the converter.
    """
    from onnx import TensorProto
    from onnx.helper import make_node
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    tensor = DoubleTensorType if source == "standard" else FloatTensorType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it asks for attributes that will go
        converted = to_onnx(
            model,
            initial_types=[(source, tensor([None, count]))],
            options={id(model): options},
            target_opset=OPSETS,
        )
    scores = converted.graph.output[-1].name
    nodes = [
        *converted.graph.node,
        make_node("Cast", [scores], ["columns"], to=TensorProto.DOUBLE),
        make_node("Gather", ["columns", "hem"], ["hem_column"], axis=1),
        make_node("Gather", ["columns", "all"], ["all_column"], axis=1),
    ]
    return OnnxPart(
        nodes,
        {"hem": np.array(0), "all": np.array(1)},
        list(converted.graph.initializer),
        OPSETS | {entry.domain: entry.version for entry in converted.opset_import},
    )


def _standardizing() -> list[Any]:
    """From `features` to `standard` (double) and `embedding` (float)."""
    from onnx import TensorProto
    from onnx.helper import make_node

    return [
        make_node("Cast", ["features"], ["exact"], to=TensorProto.DOUBLE),
        make_node("Sub", ["exact", "mean"], ["centered"]),
        make_node("Div", ["centered", "std"], ["scaled"]),
        make_node("Clip", ["scaled", "low", "high"], ["standard"]),
        make_node("Cast", ["standard"], ["embedding"], to=TensorProto.FLOAT),
    ]
