"""Opening, writing and verifying model files, wrong and hostile ones included."""

import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from leukoscope.core.errors import ModelFileError
from leukoscope.data.imaging.image import Crop
from leukoscope.inference.model_file import model_file as m
from leukoscope.inference.model_file import onnx_proto
from leukoscope.inference.model_file.verify import verify
from tests.inference.tiny_model import BIAS, SIZE, tiny_card, tiny_network, write_tiny_model


def save(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def message_of(action: Callable[[], object]) -> str:
    with pytest.raises(ModelFileError) as raised:
        action()
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_load_gives_card_and_outputs(model: m.ModelFile) -> None:
    assert model.card == tiny_card()
    cells = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3)).astype(np.uint8)
    out = model.run(cells, heatmaps=True, embeddings=True)
    assert out.heatmap is not None
    assert out.embedding is not None
    assert out.logit.shape == (3,)
    assert out.embedding.shape[0] == 3
    np.testing.assert_allclose(out.heatmap.mean((1, 2)) + BIAS, out.logit, atol=1e-4)
    assert model.run(cells).heatmap is None


def test_the_card_is_what_the_onnx_package_reads_too(model_path: Path) -> None:
    network = onnx.load(model_path)
    assert {p.key: p.value for p in network.metadata_props} == {m.CARD_KEY: tiny_card().to_json()}
    assert onnx_proto.metadata(model_path.read_bytes()) == {m.CARD_KEY: tiny_card().to_json()}
    assert m.read_opsets(model_path) == {"ai.onnx": 18}


def test_replacing_a_card_leaves_the_network_alone(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "m.onnx")
    network = onnx.load(path)
    helper.set_model_props(network, {m.CARD_KEY: "old", "other": "kept"})
    save(network, path)
    m.write_card(path, tiny_card(name="second"))
    after = onnx.load(path)
    assert m.read_card(path).name == "second"
    assert {p.key for p in after.metadata_props} == {m.CARD_KEY, "other"}
    assert after.graph == network.graph
    assert list(tmp_path.iterdir()) == [path]


def test_verify_passes_the_tiny_model(model_path: Path) -> None:
    checks = verify(model_path)
    assert [check.name for check in checks] == [
        "opens",
        "card",
        "input and outputs",
        "finite",
        "batch invariant",
        "heatmap",
    ]
    assert all(check.passed for check in checks), checks


def test_verify_finds_a_heatmap_that_does_not_add_up(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "m.onnx", card=tiny_card(cam_bias=BIAS + 0.1))
    failed = [check.name for check in verify(path) if not check.passed]
    assert failed == ["heatmap"]


def test_verify_finds_what_is_not_finite(tmp_path: Path) -> None:
    network = tiny_network()
    (bias,) = (tensor for tensor in network.graph.initializer if tensor.name == "bias")
    bias.raw_data = struct.pack("<f", float("nan"))
    path = save(network, tmp_path / "m.onnx")
    m.write_card(path, tiny_card())
    assert "finite" in [check.name for check in verify(path) if not check.passed]


def test_verify_finds_a_model_that_looks_at_the_whole_batch(tmp_path: Path) -> None:
    network = tiny_network()
    nodes = network.graph.node
    (last,) = (node for node in nodes if "logit" in node.output)
    last.output[0] = "own"
    nodes.append(helper.make_node("ReduceMean", ["own"], ["shared"], keepdims=1))
    nodes.append(helper.make_node("Add", ["own", "shared"], ["logit"]))
    path = save(network, tmp_path / "m.onnx")
    m.write_card(path, tiny_card())
    failed = [check.name for check in verify(path) if not check.passed]
    assert "batch invariant" in failed


def test_verify_of_a_wrong_file_is_one_failed_check(tmp_path: Path) -> None:
    (check,) = verify(tmp_path / "missing.onnx")
    assert not check.passed
    assert "does not exist" in check.detail


def test_a_card_without_heatmap_needs_no_heatmap_output(tmp_path: Path) -> None:
    network = tiny_network()
    del network.graph.output[1]
    path = save(network, tmp_path / "m.onnx")
    m.write_card(path, tiny_card(heatmap="none", cam_bias=None))
    assert all(check.passed for check in verify(path))
    m.write_card(path, tiny_card())
    assert "output heatmap" in message_of(lambda: m.load(path))


WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no network"),
    "text": (b"this is not a model", "not an ONNX file"),
    "bitmap": (b"BM" + bytes(100), "not an ONNX file"),
    "pickle": (pickle.dumps({"weights": [1.0]}), "pickle"),
    "checkpoint": (b"PK\x03\x04" + bytes(60), "pickle or a PyTorch checkpoint"),
    "no card": (tiny_network().SerializeToString(), "without a Leukoscope card"),
    "truncated": (tiny_network().SerializeToString()[:-200], "damaged"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_are_one_clear_line(name: str, tmp_path: Path) -> None:
    content, expected = WRONG[name]
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    message = message_of(lambda: m.load(path))
    assert expected in message
    assert str(path) in message


def test_folders_missing_and_unnamable_files(tmp_path: Path) -> None:
    assert "is not a file" in message_of(lambda: m.load(tmp_path))
    assert "does not exist" in message_of(lambda: m.load(tmp_path / "none.onnx"))
    message_of(lambda: m.load("null\0byte.onnx"))
    message_of(lambda: m.load(tmp_path / ("x" * 5000)))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.truncate(m.MAX_BYTES + 1)  # sparse: takes no room
    assert "MiB" in message_of(lambda: m.load(path))


def external(tensor: TensorProto, location: str) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location


@pytest.mark.parametrize("place", ["initializer", "constant", "branch", "function", "sparse"])
def test_weights_in_other_files_are_never_followed(place: str, tmp_path: Path) -> None:
    network = tiny_network()
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    external(tensor, "../../etc/hostname")
    constant = helper.make_node("Constant", [], ["w"], value=tensor)
    graph = network.graph
    if place == "initializer":
        graph.initializer.append(tensor)
    elif place == "constant":
        graph.node.append(constant)
    elif place == "branch":
        inner = helper.make_graph([constant], "inner", [], [])
        graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner))
    elif place == "function":
        network.functions.append(helper.make_function("f", "g", [], ["w"], [constant], []))
    else:
        graph.sparse_initializer.add().values.CopyFrom(tensor)
    path = save(network, tmp_path / "m.onnx")
    assert "another file" in message_of(lambda: m.load(path))


def test_other_inputs_and_outputs_are_named(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "m.onnx")
    m.write_card(path, tiny_card(input=Crop(256, SIZE + 1)))
    assert f"{SIZE + 1}, 3" in message_of(lambda: m.load(path))
    fixed = tiny_network()
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    m.write_card(save(fixed, path), tiny_card())
    assert "expected cells" in message_of(lambda: m.load(path))


def test_an_unknown_operator_is_one_clear_line(tmp_path: Path) -> None:
    network = tiny_network()
    network.graph.node[0].op_type = "OpenSesame"
    path = save(network, tmp_path / "m.onnx")
    assert "ai.onnx:OpenSesame" in message_of(lambda: m.load(path))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_bytes_give_a_model_or_our_error(
    data: st.DataObject, model_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(model_path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "m.onnx"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        m.load(path)
    except ModelFileError as error:
        assert "\n" not in str(error)  # noqa: PT017
    assert capfd.readouterr() == ("", "")


@given(st.binary(max_size=60))
def test_any_bytes_walk_or_raise_wire_error(content: bytes) -> None:
    for action in (onnx_proto.metadata, onnx_proto.opsets, onnx_proto.has_external_data):
        try:
            action(content)
        except onnx_proto.ProtoError:
            continue


def test_the_shipped_model_is_found_or_its_absence_explained() -> None:
    try:
        path = m.default_model()
    except ModelFileError as error:
        assert "leukoscope train" in str(error)  # noqa: PT017
    else:
        assert all(check.passed for check in verify(path))
