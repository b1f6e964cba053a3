from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.errors import TrainingError
from leukoscope.models.network.networks import build
from leukoscope.models.recipe.settings import Optimizer
from leukoscope.training.network.checkpoint import load, read_state, save
from leukoscope.training.network.loss import OPTIMIZERS, make_optimizer
from tests.training.tiny import SIZE, tiny_recipe

STATE = {"run": "key", "log": [{"loss": 0.1 + 0.2}], "words": "ü"}


def stepped(name: str, seed: int) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    """A network after three steps, and its optimizer."""
    torch.manual_seed(seed)
    network = build(tiny_recipe())
    optimizer = make_optimizer(network.parameters(), Optimizer(name))
    for number in range(3):
        step(network, optimizer, number)
    return network, optimizer


def step(network: torch.nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    torch.manual_seed(seed)
    cells = torch.randint(0, 256, (4, SIZE, SIZE, 3), dtype=torch.uint8)
    optimizer.zero_grad()
    network(cells).logit.square().mean().backward()
    optimizer.step()


def weights(network: torch.nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in network.parameters()]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loaded_run_goes_on_as_the_saved_one(name: str, tmp_path: Path) -> None:
    network, optimizer = stepped(name, seed=0)
    save(tmp_path / "c.safetensors", network, optimizer, STATE)
    other, other_optimizer = stepped(name, seed=1)
    load(tmp_path / "c.safetensors", other, other_optimizer)
    for one, two in ((network, optimizer), (other, other_optimizer)):
        step(one, two, seed=9)
    assert all(map(torch.equal, weights(network), weights(other)))


def test_state_and_back(tmp_path: Path) -> None:
    network, _ = stepped("adam", seed=0)
    save(tmp_path / "c.safetensors", network, None, STATE)
    assert read_state(tmp_path / "c.safetensors") == STATE


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    network, _ = stepped("adam", seed=0)
    save(tmp_path / "c.safetensors", network, None, STATE)
    with pytest.raises(TrainingError, match=r"c\.safetensors.*--fresh"):
        load(tmp_path / "c.safetensors", build(tiny_recipe(network__widths=[5, 8])))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    network, optimizer = stepped("adam", seed=0)
    path = tmp_path_factory.mktemp("saved") / "c.safetensors"
    save(path, network, optimizer, STATE)
    return path.read_bytes()


@cache
def other() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    return stepped("adam", seed=1)


def outcome(content: bytes, path: Path) -> str:
    """What the TrainingError says, or that the file was loaded."""
    path.write_bytes(content)
    network, optimizer = other()
    try:
        read_state(path)
        load(path, network, optimizer)
    except TrainingError as error:
        return str(error)
    return "loaded"


def test_a_cut_file_is_refused(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    for length in (0, 1, 7, 8, 100, len(saved) // 2, len(saved) - 1):
        assert "cannot be used" in outcome(saved[:length], path)
    assert outcome(saved, path) == "loaded"


@settings(max_examples=60)
@given(place=st.integers(0, 1500), bit=st.integers(0, 7))
def test_a_damaged_header_never_ends_in_another_error(
    saved: bytes, tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    content = bytearray(saved)
    content[place] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    said = outcome(bytes(content), path)
    assert said == "loaded" or ("cannot be used" in said and "\n" not in said)
