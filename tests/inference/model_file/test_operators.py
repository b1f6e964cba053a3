"""Networks from strangers: bounded operators, memory and time."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from leukoscope.core.errors import ModelFileError
from leukoscope.inference.model_file import onnx_proto, session
from leukoscope.inference.model_file.model_file import default_model, load
from leukoscope.inference.model_file.operators import refused
from leukoscope.inference.model_file.verify import verify
from tests.inference.tiny_model import tiny_card, write_tiny_model


def names_of(graph: onnx.GraphProto) -> set[tuple[str, str]]:
    """The same as `operators`, by the onnx package."""
    found = set()
    for node in graph.node:
        found.add((node.domain or "ai.onnx", node.op_type))
        for attribute in node.attribute:
            for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                found |= names_of(inner)
    return found


def changed(path: Path, *nodes: onnx.NodeProto) -> Path:
    """A tiny model whose logit goes through further nodes, which give "logit" from "plain"."""
    write_tiny_model(path)
    model = onnx.load(path)
    for node in model.graph.node:
        node.output[:] = ["plain" if name == "logit" else name for name in node.output]
        node.input[:] = ["plain" if name == "logit" else name for name in node.input]
    model.graph.node.extend(nodes)
    onnx.save(model, path)  # with the card
    return path


def loop() -> onnx.NodeProto:
    """A loop that never ends."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["again"]),
            helper.make_node("Identity", ["v"], ["w"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, None),
        ],
    )
    return helper.make_node("Loop", ["", "", "plain"], ["logit"], body=body)


def test_operators_are_those_that_onnx_reads(tmp_path: Path) -> None:
    for path in (default_model(), changed(tmp_path / "loop.onnx", loop())):
        expected = names_of(onnx.load(path).graph)
        assert onnx_proto.operators(path.read_bytes()) == expected


def test_calls_of_the_files_own_functions_are_not_operators(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "tiny.onnx")
    model = onnx.load(path)
    double = helper.make_function(
        "own",
        "Double",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )
    model.functions.append(double)
    model.graph.node.append(helper.make_node("Double", ["logit"], ["x"], domain="own"))
    used = onnx_proto.operators(model.SerializeToString())
    assert ("own", "Double") not in used
    assert ("ai.onnx", "Add") in used


def test_the_shipped_model_uses_allowed_operators() -> None:
    assert refused(onnx_proto.operators(default_model().read_bytes())) == []


@pytest.mark.parametrize(
    ("node", "named"),
    [
        (loop(), "ai.onnx:Loop"),
        (helper.make_node("RandomNormalLike", ["plain"], ["logit"]), "ai.onnx:RandomNormalLike"),
        (helper.make_node("Identity", ["plain"], ["logit"], domain="evil"), "evil:Identity"),
    ],
    ids=["loop", "random", "custom"],
)
def test_other_operators_are_refused_by_name(
    tmp_path: Path, node: onnx.NodeProto, named: str
) -> None:
    path = changed(tmp_path / "bad.onnx", node)
    with pytest.raises(ModelFileError, match=named):
        load(path)
    (check,) = verify(path)
    assert not check.passed


def test_a_network_that_wants_all_memory_fails_alone(tmp_path: Path) -> None:
    size = helper.make_node(
        "Constant",
        [],
        ["many"],
        value=helper.make_tensor("v", TensorProto.INT64, [1], [session.MEMORY_LIMIT // 4 + 1]),
    )
    nodes = [
        helper.make_node("Shape", ["plain"], ["shape"]),  # known at run time only
        helper.make_node("Mul", ["shape", "many"], ["size"]),
        size,
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Add", ["plain", "sum"], ["logit"]),
    ]
    nodes[0], nodes[2] = nodes[2], nodes[0]  # the constant comes first
    nodes[1], nodes[2] = nodes[2], nodes[1]
    path = changed(tmp_path / "large.onnx", *nodes)
    cells = np.zeros((1, tiny_card().input.size, tiny_card().input.size, 3), np.uint8)
    with pytest.raises(ModelFileError, match="fails to run"):
        load(path).run(cells)


def test_a_call_has_a_time_limit(tmp_path: Path) -> None:
    side = 600
    nodes = [
        helper.make_node(
            "Constant",
            [],
            ["side"],
            value=helper.make_tensor("v", TensorProto.INT64, [2], [side, side]),
        ),
        helper.make_node("ReduceMean", ["plain"], ["mean"], keepdims=0),
        helper.make_node("Expand", ["mean", "side"], ["m0"]),
    ]
    for number in range(3000):
        nodes.append(helper.make_node("MatMul", [f"m{number}", "m0"], [f"m{number + 1}"]))
    nodes.append(helper.make_node("ReduceMean", ["m3000"], ["end"], keepdims=0))
    nodes.append(helper.make_node("Add", ["plain", "end"], ["logit"]))
    path = changed(tmp_path / "slow.onnx", *nodes)
    cells = np.zeros((1, tiny_card().input.size, tiny_card().input.size, 3), np.uint8)
    with pytest.raises(ModelFileError, match="fails to run"):
        load(path, seconds=0.05).run(cells)
