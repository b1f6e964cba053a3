"""Export each kind of network once, and fill in the weights of the others: an export takes seconds.

For tests of what surrounds an export. A filled file that does not answer as its network is not
used. `test_export.py` is about the export itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
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
    filled = _filled(_files[key], trained.network) if key in _files else None
    if filled is not None and _agrees(filled, trained):
        path.write_bytes(filled)
        return
    _export(trained, path)
    _files[key] = path.read_bytes()


def _agrees(file: bytes, trained: TrainedNetwork) -> bool:
    """True if the file answers as the network: networks with the same layers can still differ."""
    shape = (2, trained.size, trained.size, 3)
    cells = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    (logit,) = ort.InferenceSession(file).run(["logit"], {"cells": cells})
    return bool(np.allclose(logit, trained.file_logits(cells), atol=1e-4))


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
