import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from leukoscope.core.errors import TrainingError
from leukoscope.models.network.networks import build
from leukoscope.models.network.weights import described, find_weights, load_weights
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.network import checkpoint

TIMM = {"network.architecture": "timm:test_convnext", "input.size": 64}
CNN = {"network.widths": [4, 6], "network.pooling": "gap", "input.size": 32}


def network(settings: dict[str, object], seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build(NetworkRecipe("x").with_settings(settings))


def trunk_and_head(net: torch.nn.Module) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    trunk = [tensor for name, tensor in state.items() if name.startswith("trunk.")]
    return trunk, [tensor for name, tensor in state.items() if not name.startswith("trunk.")]


def packed(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights as safetensors takes them."""
    return {name: tensor.contiguous() for name, tensor in net.state_dict().items()}


def check_loaded(source: torch.nn.Module, path: Path, settings: dict[str, object]) -> None:
    """The trunk becomes the file's, and the head stays."""
    target = network(settings, seed=1)
    _, before = trunk_and_head(target)
    load_weights(target, path)
    trunk, own_head = trunk_and_head(target)
    for ours, theirs in zip(trunk, trunk_and_head(source)[0], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
    assert all(map(torch.equal, before, own_head))


def test_timms_names_as_safetensors_with_a_classifier_that_is_not_wanted(tmp_path: Path) -> None:
    source = network(TIMM, seed=0)
    tensors = packed(source.trunk.body) | {"head.fc.weight": torch.zeros(10, 64)}
    save_file(tensors, tmp_path / "w.safetensors")
    check_loaded(source, tmp_path / "w.safetensors", TIMM)


def test_a_numpy_archive_in_half_precision(tmp_path: Path) -> None:
    source = network(CNN, seed=0)
    arrays = {n: t.numpy().astype(np.float16) for n, t in source.trunk.state_dict().items()}
    np.savez(tmp_path / "w.npz", **arrays)
    check_loaded(source, tmp_path / "w.npz", CNN)


@pytest.mark.parametrize("settings", [TIMM, CNN], ids=["timm", "cnn"])
def test_a_checkpoint_of_our_own(settings: dict[str, object], tmp_path: Path) -> None:
    source = network(settings, seed=0)
    path = tmp_path / "best.safetensors"
    checkpoint.save(path, source, torch.optim.Adam(source.parameters()), {})
    check_loaded(source, path, settings)


def test_timm_fits_position_embeddings_to_another_size(tmp_path: Path) -> None:
    settings = {"network.architecture": "timm:test_vit", "input.size": 64}
    source = network(settings, seed=0)
    save_file(packed(source.trunk.body), tmp_path / "w.safetensors")
    target = network(settings | {"input.size": 96}, seed=1)
    load_weights(target, tmp_path / "w.safetensors")
    assert target.trunk.body.pos_embed.shape != source.trunk.body.pos_embed.shape
    torch.testing.assert_close(
        target.trunk.body.pos_embed.mean(), source.trunk.body.pos_embed.mean(), atol=1e-3, rtol=0.1
    )
    assert torch.equal(target.trunk.body.norm.weight, source.trunk.body.norm.weight)


def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path: Path) -> None:
    save_file(packed(network(CNN, 0).trunk), tmp_path / "w.safetensors")
    for settings in (TIMM, CNN | {"network.widths": [4, 7]}):
        target = network(settings, 1)
        before = trunk_and_head(target)[0]
        with pytest.raises(TrainingError, match=r"w\.safetensors: .*another network: \d+ of \d+"):
            load_weights(target, tmp_path / "w.safetensors")
        assert all(map(torch.equal, before, trunk_and_head(target)[0]))


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x80\x04 a pickle"])
def test_a_damaged_file_is_said_in_a_line(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TrainingError, match="cannot be read") as refused:
        load_weights(network(CNN, 0), tmp_path / name)
    assert "\n" not in str(refused.value)


def test_objects_in_a_numpy_archive_are_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", **{"0.weight": np.array([{"any": "object"}], dtype=object)})
    with pytest.raises(TrainingError, match="cannot be read"):
        load_weights(network(CNN, 0), tmp_path / "w.npz")


def found(weights: str) -> Path | None:
    return find_weights(NetworkRecipe("x").with_settings({"network.weights": weights}).network)


def test_where_weights_are_looked_for(tmp_path: Path) -> None:
    assert found("none") is None
    (tmp_path / "w.npz").touch()
    assert found(str(tmp_path / "w.npz")) == tmp_path / "w.npz"
    with pytest.raises(TrainingError, match=r"absent\.npz: no such file of weights.*--weights"):
        found(str(tmp_path / "absent.npz"))


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.bin", "w.ckpt", "w"])
def test_a_pickle_is_refused_unopened_with_the_command_that_converts_it(name: str) -> None:
    with pytest.raises(TrainingError, match=r"not from pickles"):
        found(name)


def test_that_command_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = network(CNN, seed=0)
    torch.save(source.trunk.state_dict(), "w.pth")
    with pytest.raises(TrainingError) as refused:
        found("w.pth")
    python, option, code = shlex.split(str(refused.value).partition("with: ")[2])
    assert (python, option) == ("python", "-c")
    exec(code)
    check_loaded(source, Path("w.safetensors"), CNN)


def test_a_card_names_a_file_and_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    path.write_bytes(b"content")
    settings = NetworkRecipe("x").with_settings({"network.weights": str(path)}).network
    assert described(settings) == "w.npz (sha256 ed7002b439e9ac84)"
    path.unlink()
    assert described(settings) == "w.npz"
    assert described(NetworkRecipe("x").network) == "none"
