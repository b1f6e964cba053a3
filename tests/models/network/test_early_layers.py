import os
from pathlib import Path

import numpy as np
import pytest
import torch

from leukoscope.models.network.early_layers import BLOCKS, TAKEN, EarlyLayers, weights
from leukoscope.models.network.torchvision_shim import import_timm

WEIGHTS = Path(os.environ.get("LEUKOSCOPE_WEIGHTS", "weights")) / "tf_efficientnet_lite0.npz"
PLANES = torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_the_outputs_have_the_shapes_of_the_blocks() -> None:
    outputs = EarlyLayers()(PLANES)
    shapes = {number: tuple(output.shape) for number, output in outputs.items()}
    assert shapes == {
        number: (2, BLOCKS[number].channels, 96 // stride, 64 // stride)
        for number, stride in TAKEN.items()
    }


def test_sides_that_are_no_multiple_of_the_stride_are_cut() -> None:
    outputs = EarlyLayers()(PLANES[:, :, :84])
    assert {n: output.shape[2] for n, output in outputs.items()} == {2: 21, 3: 10, 4: 10}


def test_the_layers_are_those_of_timm() -> None:
    timm = import_timm()
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0).eval()
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    drawn = np.random.default_rng(0)
    for name, value in state.items():
        if name.endswith("running_var"):
            value[...] = drawn.uniform(0.5, 2, value.shape)
        elif name.endswith(("running_mean", "bias")):
            value[...] = drawn.normal(0, 0.2, value.shape)
    expected, features = {}, network.bn1(network.conv_stem(PLANES))
    for number, block in enumerate([block for stage in network.blocks for block in stage]):
        features = block(features)
        if number in TAKEN:
            expected[number] = features
        if number == max(TAKEN):
            break
    layers = EarlyLayers()
    layers.load_state_dict(
        {name: torch.from_numpy(v).float() for name, v in _folded(state).items()}
    )
    for number, output in layers(PLANES).items():
        error = (output - expected[number]).abs().mean() / expected[number].std()
        assert error < 0.01  # float16 weights


@pytest.mark.real
def test_the_packaged_weights_are_those_of_imagenet() -> None:
    if not WEIGHTS.is_file():
        pytest.skip("LEUKOSCOPE_WEIGHTS has no tf_efficientnet_lite0.npz")
    with np.load(WEIGHTS) as state:
        folded = _folded(state)
    assert folded.keys() == weights().keys()
    for name, value in folded.items():
        np.testing.assert_array_equal(value.astype(np.float32), weights()[name])


def _folded(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    from tools.early_layers import fold

    return fold(state)
