"""Export each kind of network once, and fill in the weights of the others: an export takes seconds.

For tests of what surrounds an export. Whatever is packaged is still compared with its network by
`verify_parity`, so a file with wrong weights fails the test. `test_export.py` is about the export.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from torch import nn

from leukoscope.models.network.onnx_export import TrainedNetwork

_files: dict[tuple[str, int], bytes] = {}
_export = TrainedNetwork.to_onnx


@contextmanager
def remembered_exports() -> Iterator[None]:
    """Meanwhile `TrainedNetwork.to_onnx` exports only networks of a new structure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainedNetwork, "to_onnx", _to_onnx)
        yield


def _to_onnx(trained: TrainedNetwork, path: Path) -> None:
    key = (repr(trained.network), trained.size)
    if key not in _files:
        _export(trained, path)
        if _filled(path.read_bytes(), trained.network) is not None:
            _files[key] = path.read_bytes()
        return
    filled = _filled(_files[key], trained.network)
    assert filled is not None
    path.write_bytes(filled)


def _filled(file: bytes, network: nn.Module) -> bytes | None:
    """The file with the weights of a network; None where the exporter changed some of them."""
    model = onnx.load_from_string(file)
    weights = {f"network.{name}": value.numpy() for name, value in network.state_dict().items()}
    given = {tensor.name: tensor for tensor in model.graph.initializer}
    for name, parameter in network.named_parameters():
        tensor = given.get(f"network.{name}")
        if tensor is None or tuple(tensor.dims) != tuple(parameter.shape):
            return None
    for name, tensor in given.items():
        if name in weights and tuple(tensor.dims) == weights[name].shape:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(weights[name]), name))
    return model.SerializeToString()
