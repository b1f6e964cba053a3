import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from leukoscope.inference.model_file.model_file import default_model, load
from leukoscope.inference.model_file.onnx_proto import ProtoError
from leukoscope.inference.model_file.pruning import without_output
from tests.inference.tiny_model import cell_image, tiny_network


def info(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"])


def model(nodes: list[onnx.NodeProto], outputs: list[str]) -> bytes:
    graph = helper.make_graph(nodes, "g", [info("x")], [info(name) for name in outputs])
    return helper.make_model(graph).SerializeToString()


def nodes_of(data: bytes | None) -> list[str]:
    assert data is not None
    return [node.name for node in onnx.load_from_string(data).graph.node]


def node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=output, **attributes)


def test_only_what_nothing_else_needs_goes() -> None:
    nodes = [
        node("Neg", ["x"], "shared"),
        node("Abs", ["shared"], "only_b"),
        node("Exp", ["shared"], "a"),
        node("Log", ["only_b"], "b"),
    ]
    data = model(nodes, ["a", "b"])
    assert nodes_of(without_output(data, "b")) == ["shared", "a"]
    assert nodes_of(without_output(data, "a")) == ["shared", "only_b", "b"]
    assert [one.name for one in onnx.load_from_string(without_output(data, "b")).graph.output] == [
        "a"
    ]
    assert without_output(data, "c") is None
    assert nodes_of(without_output(model(nodes[::-1], ["a", "b"]), "b")) == ["a", "shared"]


def test_values_that_a_branch_reads_stay() -> None:
    def branch(kind: str, read: str) -> onnx.GraphProto:
        return helper.make_graph([node(kind, [read], "in")], "branch", [], [info("in")])

    def passed(name: str) -> onnx.GraphProto:
        return helper.make_graph([], "branch", [], [info(name)])

    for then, other in ((branch("Neg", "inside"), branch("Abs", "x")), (passed("inside"),) * 2):
        nodes = [
            node("Exp", ["x"], "inside"),
            node("Sin", ["x"], "unused"),
            node("Cast", ["x"], "yes", to=TensorProto.BOOL),
            node("If", ["yes"], "a", then_branch=then, else_branch=other),
            node("Neg", ["unused"], "b"),
        ]
        kept = nodes_of(without_output(model(nodes, ["a", "b"]), "b"))
        assert kept == ["inside", "yes", "a"]


def test_everything_else_keeps_its_bytes() -> None:
    network = tiny_network(64, 0)
    network.metadata_props.add(key="a", value="b")
    pruned = onnx.load_from_string(without_output(network.SerializeToString(), "heatmap") or b"")
    onnx.checker.check_model(pruned)
    assert {one.name for one in network.graph.output} - {
        one.name for one in pruned.graph.output
    } == {"heatmap"}
    kept = {one.SerializeToString() for one in pruned.graph.node}
    assert kept < {one.SerializeToString() for one in network.graph.node}
    assert pruned.graph.initializer == network.graph.initializer
    assert pruned.metadata_props == network.metadata_props


@pytest.mark.parametrize("data", [b"\x3a\xff", b"\x08", b"\xff" * 20])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ProtoError):
        without_output(data, "heatmap")


def test_the_shipped_model_answers_the_same_with_and_without_its_heatmap() -> None:
    model = load(default_model())
    side = model.card.input.size
    cells = np.stack([cell_image(seed, side) for seed in range(6)])
    plain = model.run(cells, embeddings=True)
    mapped = model.run(cells, heatmaps=True, embeddings=True)
    assert mapped.heatmap is not None
    assert np.array_equal(plain.logit, mapped.logit)
    assert np.array_equal(plain.embedding, mapped.embedding)
