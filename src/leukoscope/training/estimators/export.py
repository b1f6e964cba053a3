"""Write a fitted estimator as ONNX.

skl2onnx converts an estimator of scikit-learn alone. What stands before it (standardizing) and
after it (from scores or votes to log-odds) is written here, and so is all of a kernel machine, in
double precision where an estimator computes in it, so that file and estimator part ways by rounding
to float32 alone.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.training.estimators.estimators import HALF_A_VOTE, LIMIT, Fitted
from leukoscope.training.estimators.kernel import KernelMachine

OPSETS = {"": 18, "ai.onnx.ml": 3}
IR_VERSION = 8
# Which tensor an estimator is given. Trees see the descriptors: their thresholds are float32 then,
# and no rounding sends a cell down another branch.
GIVEN = {
    "logistic": "standard",
    "knn": "standard",
    "svm": "embedding",
    "random-forest": "features",
    "gradient-boosting": "features",
}

# Nodes, constants by name, further initializers, and operator sets by domain.
_Part = tuple[list[Any], dict[str, np.ndarray], list[Any], dict[str, int]]


@dataclass(frozen=True)
class TrainedEstimator:
    """A fitted estimator for `package_model`."""

    fitted: Fitted

    def to_onnx(self, path: Path) -> None:
        """Write the estimator as one ONNX file, without a card."""
        import onnx

        onnx.save(_graph(self.fitted), path)

    def file_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits (n,) of descriptors float32 (n, F)."""
        return self.fitted.logit(inputs)


def _graph(fitted: Fitted) -> Any:
    """The whole model, features to logit and embedding, as an ONNX model."""
    from onnx import TensorProto, helper, numpy_helper

    count = len(fitted.mean)
    part = _of_kernel if isinstance(fitted.model, KernelMachine) else _of_scikit_learn
    nodes, constants, initializers, opsets = part(fitted)
    constants |= {
        "mean": fitted.mean,
        "scale": fitted.scale,
        "low": np.array(-LIMIT),
        "high": np.array(LIMIT),
    }
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    value, kind = helper.make_tensor_value_info, TensorProto.FLOAT
    graph = helper.make_graph(
        [*_before(), *nodes],
        "leukoscope",
        [value("features", kind, ["N", count])],
        [value("logit", kind, ["N"]), value("embedding", kind, ["N", count])],
        [*tensors, *initializers],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)


def _of_scikit_learn(fitted: Fitted) -> _Part:
    """What follows the standardizing: the estimator, and from its output to a logit."""
    converted = _converted(fitted)
    constants = {
        "votes": np.array(float(fitted.votes)),
        "half": np.array(HALF_A_VOTE),
        "hem": np.array(0),
        "all": np.array(1),
    }
    after = _after(converted.graph.output[-1].name, votes=fitted.votes > 0)
    opsets = OPSETS | {one.domain: one.version for one in converted.opset_import}
    nodes = [*converted.graph.node, *after]
    return nodes, constants, list(converted.graph.initializer), opsets


def _of_kernel(fitted: Fitted) -> _Part:
    """The same of a kernel machine; its cells stand in the file as float32.

    -gamma * (|x|^2 + |c|^2 - 2 x.c) goes through the exponential and meets the pulls.
    """
    from onnx import TensorProto
    from onnx.helper import make_node

    machine = fitted.model
    cells = machine.cells.astype(np.float64)
    constants = {
        "cells": machine.cells,
        "squares": (cells * cells).sum(axis=1),
        "pull": machine.pull[:, None],
        "middle": np.array(machine.middle),
        "twice": np.array(2.0),
        "less": np.array(-machine.gamma),
        "last": np.array([1]),
    }
    double, single = TensorProto.DOUBLE, TensorProto.FLOAT
    nodes = [
        make_node("Cast", ["embedding"], ["cell"], to=double),
        make_node("Cast", ["cells"], ["known"], to=double),
        make_node("Cast", ["pull"], ["pulls"], to=double),
        make_node("Transpose", ["known"], ["turned"], perm=[1, 0]),
        make_node("MatMul", ["cell", "turned"], ["products"]),
        make_node("Mul", ["products", "twice"], ["doubled"]),
        make_node("Mul", ["cell", "cell"], ["squared"]),
        make_node("ReduceSum", ["squared", "last"], ["square"], keepdims=1),
        make_node("Add", ["square", "squares"], ["sums"]),
        make_node("Sub", ["sums", "doubled"], ["distances"]),
        make_node("Mul", ["distances", "less"], ["exponents"]),
        make_node("Exp", ["exponents"], ["alike"]),
        make_node("MatMul", ["alike", "pulls"], ["pulled"]),
        make_node("Add", ["pulled", "middle"], ["answers"]),
        make_node("Squeeze", ["answers", "last"], ["answer"]),
        make_node("Cast", ["answer"], ["logit"], to=single),
    ]
    return nodes, constants, [], OPSETS


def _before() -> list[Any]:
    """Features to `standard` (double) and `embedding` (float)."""
    from onnx import TensorProto
    from onnx.helper import make_node

    return [
        make_node("Cast", ["features"], ["exact"], to=TensorProto.DOUBLE),
        make_node("Sub", ["exact", "mean"], ["centered"]),
        make_node("Div", ["centered", "scale"], ["scaled"]),
        make_node("Clip", ["scaled", "low", "high"], ["standard"]),
        make_node("Cast", ["standard"], ["embedding"], to=TensorProto.FLOAT),
    ]


def _after(scores: str, *, votes: bool) -> list[Any]:
    """Two columns, of HEM and ALL, to `logit`; of scores the second alone counts."""
    from onnx import TensorProto
    from onnx.helper import make_node

    double, single = TensorProto.DOUBLE, TensorProto.FLOAT
    nodes = [make_node("Cast", [scores], ["columns"], to=double)]
    for side in ("hem", "all"):
        nodes.append(make_node("Gather", ["columns", side], [f"{side}_column"], axis=1))
    if not votes:
        return [*nodes, make_node("Cast", ["all_column"], ["logit"], to=single)]
    for side in ("hem", "all"):
        nodes.append(make_node("Mul", [f"{side}_column", "votes"], [f"{side}_votes"]))
        nodes.append(make_node("Add", [f"{side}_votes", "half"], [f"{side}_side"]))
    return [
        *nodes,
        make_node("Div", ["all_side", "hem_side"], ["odds"]),
        make_node("Log", ["odds"], ["log_odds"]),
        make_node("Cast", ["log_odds"], ["logit"], to=single),
    ]


def _converted(fitted: Fitted) -> Any:
    """What skl2onnx makes of the estimator alone."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = fitted.settings.estimator
    options: dict[str, Any] = {"zipmap": False}
    if kind == "knn":
        options = {"optim": "cdist"}
    elif not fitted.votes:
        options["raw_scores"] = True
    tensor = DoubleTensorType if GIVEN[kind] == "standard" else FloatTensorType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it asks for attributes that will go
        return to_onnx(
            fitted.model,
            initial_types=[(GIVEN[kind], tensor([None, len(fitted.mean)]))],
            options={id(fitted.model): options},
            target_opset=OPSETS,
        )
