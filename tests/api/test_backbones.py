"""A backbone from a file of weights to predictions, as any other recipe."""

import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

import leukoscope as ls
from leukoscope.core.errors import DownloadError, RecipeError, TrainingError
from leukoscope.core.tables import read_table
from leukoscope.inference.model_file.model_file import read_card
from leukoscope.inference.model_file.verify import verify
from leukoscope.models.network.networks import build
from leukoscope.models.network.torchvision_shim import import_timm
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.network import train as training
from leukoscope.training.run import Run
from tests.training.tiny import FILE_SETTINGS, write_cells

pytestmark = pytest.mark.slow(13)

SETTINGS = FILE_SETTINGS | {
    "network.architecture": "timm:test_efficientnet",
    "network.head": [8],
    "input.size": 64,
    "stages": [
        {"train": "head", "epochs": 1, "learning_rate": 0.01},
        {"train": {"last": 1}, "epochs": 1, "learning_rate": {"backbone": 1e-4, "head": 1e-2}},
    ],
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cells(tmp_path_factory.mktemp("cells") / "own", persons=6)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """timm's file of its own network, classifier included."""
    torch.manual_seed(5)
    network = import_timm().create_model("test_efficientnet", pretrained=False)
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_file({n: t.contiguous() for n, t in network.state_dict().items()}, path)
    return path


@pytest.fixture(scope="module")
def run(cells: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "backbone"
    return ls.train(cells, "cnn-gap", out=out, settings=SETTINGS, weights=str(weights))


def test_what_no_stage_trained_is_still_the_files(run: Run, weights: Path) -> None:
    trained, given = load_file(run.folder / "last.safetensors"), load_file(weights)
    same = {
        name: torch.equal(trained[f"network.trunk.body.{name}"], tensor)
        for name, tensor in given.items()
        if f"network.trunk.body.{name}" in trained
    }
    assert same["conv_stem.weight"]
    assert same["bn1.running_mean"]  # of a norm that did not train either
    assert not all(same.values())
    assert read_table(run.folder / "log.csv")["stage"].tolist() == [1, 2]


def test_the_model_file_does_what_its_card_says(run: Run, weights: Path) -> None:
    assert [check.name for check in verify(run.model) if not check.passed] == []
    card = read_card(run.model)
    assert card.heatmap == "cam"
    named = card.recipe["network"]["weights"]
    assert named.startswith("w.safetensors (sha256 ")
    assert str(weights.parent).encode() not in run.model.read_bytes()
    assert build(NetworkRecipe("x").with_settings({"network": card.recipe["network"]})) is not None


def test_it_predicts_and_is_measured(run: Run, cells: Path, tmp_path: Path) -> None:
    evaluation = ls.evaluate(run)
    assert 0 <= evaluation.metrics["auroc"].value <= 1
    assert (run.folder / "report.html").is_file()
    found = ls.predict([cells.parent], run.model, out=tmp_path / "rows.csv")
    assert (len(found), found.failed) == (48, 0)


def test_it_goes_on_without_the_file(
    run: Run, cells: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another export is not the subject, and slow.
    monkeypatch.setattr(training, "package_model", lambda *arguments, **others: None)
    monkeypatch.setattr(training, "final_values", lambda card: {})
    more = SETTINGS | {"stages.1.epochs": 2}
    content = weights.read_bytes()
    weights.unlink()
    shutil.copytree(run.folder, tmp_path / "run")
    again = ls.train(cells, "cnn-gap", out=tmp_path / "run", settings=more, weights=str(weights))
    weights.write_bytes(content)
    assert read_table(again.folder / "log.csv")["stage"].tolist() == [1, 2, 2]


def test_weights_that_cannot_be_had_are_said_before_anything_is_done(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(DownloadError, match="cannot be reached"):
        ls.train(cells, "inception_v3", out=tmp_path / "run")
    with pytest.raises(TrainingError, match=r"absent\.npz: no such file"):
        ls.train(cells, "mobilenet_v2", out=tmp_path / "run", weights=str(tmp_path / "absent.npz"))
    with pytest.raises(RecipeError, match="no such network"):
        ls.train("no cells", "cnn-gap", settings={"network.architecture": "timm:none"})
    with pytest.raises(RecipeError, match="cannot be used on cells of 16 px"):
        ls.train("no cells", "inception_v3", settings={"input.size": 16}, weights="none")
    assert not (tmp_path / "run").exists()
