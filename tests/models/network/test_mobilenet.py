import os
from pathlib import Path

import numpy as np
import pytest
import torch

from leukoscope.models.network.networks import build
from leukoscope.models.network.param_groups import blocks
from leukoscope.models.network.weights import find_weights, load_weights
from leukoscope.models.recipe.recipe import NetworkRecipe
from tests.models.reference import mobilenet_v2
from tests.root import ROOT

NAME = "mobilenet_v2_imagenet.npz"


def recipe(size: int, weights: str = "none") -> NetworkRecipe:
    return NetworkRecipe("x").with_settings(
        {
            "network.architecture": "mobilenet_v2",
            "network.weights": weights,
            "input.size": size,
        }
    )


def some_cells(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [64, 47])  # at stride 2, an even side is padded on one side only
def test_features_are_those_of_the_reference(size: int) -> None:
    torch.manual_seed(0)
    network = build(recipe(size)).eval()
    with torch.no_grad():
        for name, weight in network.trunk.named_parameters():
            if name.endswith("bias"):
                weight.uniform_(-0.5, 0.5)
    weights = {name: tensor.double().numpy() for name, tensor in network.trunk.state_dict().items()}
    cells = some_cells(size)
    expected = mobilenet_v2(cells, weights)
    with torch.inference_mode():
        features = network.trunk(network.planes(torch.from_numpy(cells))).numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(features, expected, atol=1e-4 * np.abs(expected).max())


@pytest.fixture(scope="module")
def real_weights() -> Path:
    """The ImageNet weights, or a skip where they are absent."""
    named = os.environ.get("LEUKOSCOPE_WEIGHTS")
    path = Path(named) if named else ROOT.parent / "shared" / "weights"
    if not (path / NAME).is_file():
        pytest.skip(f"no {NAME} in {path}; set LEUKOSCOPE_WEIGHTS to its folder")
    return path / NAME


@pytest.mark.real
def test_with_the_real_weights_as_well(real_weights: Path) -> None:
    own = recipe(64, str(real_weights))
    network = build(own).eval()
    load_weights(network, find_weights(own.network))
    with np.load(real_weights) as file:
        weights = {name: file[name].astype(np.float64) for name in file.files}
    cells = some_cells(64)
    expected = mobilenet_v2(cells, weights)
    with torch.inference_mode():
        features = network.trunk(network.planes(torch.from_numpy(cells))).numpy()
    np.testing.assert_allclose(features, expected, atol=1e-4 * np.abs(expected).max())


def test_a_block_for_each_of_the_19_steps() -> None:
    names = blocks(build(recipe(64)))
    assert len(names) == 19
    assert names[0] == ["trunk.features.0.weight", "trunk.features.0.bias"]
    assert all(name.startswith("trunk.features.18.") for name in names[-1])


def test_a_fresh_network_keeps_the_signal_alive() -> None:
    torch.manual_seed(0)
    network = build(recipe(64)).eval()
    features = network.trunk(network.planes(torch.from_numpy(some_cells(64))))
    assert 0.01 < features.std() < 10
