import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from leukoscope.core.errors import ModelFileError
from leukoscope.inference.model_file.parameter_count import count_parameters
from tests.inference.tiny_model import tiny_network, write_tiny_model


def test_weights_are_the_floating_numbers_of_the_file(tmp_path):
    arrays = [numpy_helper.to_array(one) for one in tiny_network().graph.initializer]
    learned = sum(one.size for one in arrays if one.dtype.kind == "f" and one.ndim)
    assert count_parameters(write_tiny_model(tmp_path / "tiny.onnx")) == learned > 100


def test_whole_numbers_and_lone_constants_were_not_learned(tmp_path):
    network = tiny_network()
    before = network.SerializeToString()
    extra = [np.zeros(1000, np.int64), np.float32(3.0), np.zeros((2, 3), np.float16)]
    for number, array in enumerate(extra):
        network.graph.initializer.append(numpy_helper.from_array(np.asarray(array), f"x{number}"))
    (tmp_path / "a.onnx").write_bytes(before)
    (tmp_path / "b.onnx").write_bytes(network.SerializeToString())
    assert count_parameters(tmp_path / "b.onnx") - count_parameters(tmp_path / "a.onnx") == 6
    assert onnx.load(tmp_path / "b.onnx").graph.name == "tiny"


def test_a_file_that_breaks_off_is_refused(tmp_path):
    whole = write_tiny_model(tmp_path / "tiny.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    for name in ("cut.onnx", "absent.onnx"):
        with pytest.raises(ModelFileError, match=name):
            count_parameters(tmp_path / name)
