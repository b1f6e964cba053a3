"""The command that makes a release model prints what it writes, and plots it."""

import csv
import json
from pathlib import Path

import pytest

import leukoscope as ls
from leukoscope.cli.main import main
from leukoscope.core.errors import RecipeError
from leukoscope.evaluation.metrics.metrics import CARD_METRICS
from leukoscope.inference.model_file.model_file import read_card
from tests.training.tiny import write_cells

pytestmark = pytest.mark.slow(4)

RECIPE = "name: tiny\nclassical: {estimator: kernel, ridge: 0.3, gamma: 0.3}\n"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cells(tmp_path_factory.mktemp("cells") / "own")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_metrics_persons_and_plots(
    cells: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, predictions, figures = (tmp_path / name for name in ("m.onnx", "rows.csv", "figures"))
    command = ["release", cells, "--recipe", recipe, "--out", out, "--predictions", predictions]
    command += ["--figures", figures, "--folds", 2]
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in command])
    assert ended.value.code == 0
    text, card = capsys.readouterr().out, read_card(out)
    for metric in CARD_METRICS:
        assert f"| {metric.title} | {card.results[metric.key].value:.3f} (" in text
    assert card.left_out
    for row in card.left_out:
        assert f"| {row.person} | {row.label} | {row.cells} | {row.area} |" in text
    assert len(list(figures.glob("*.png"))) == 3
    with predictions.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    all_cells = [row for row in rows if row["label"] == "ALL"]
    blasts = sum(row["verdict"] == "blast" for row in all_cells)
    assert f"of ALL cells {blasts / len(all_cells):.1%} blast" in text


def test_json_holds_the_metrics_of_the_card(
    cells: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.onnx"
    command = ["release", cells, "--recipe", recipe, "--out", out, "--folds", 2, "--json"]
    with pytest.raises(SystemExit):
        main([str(argument) for argument in command])
    printed = json.loads(capsys.readouterr().out)
    results = read_card(out).results
    assert printed["metrics"].keys() == results.keys()
    assert printed["metrics"]["auroc"]["value"] == results["auroc"].value


def test_a_recipe_for_a_network_is_refused(cells: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="leukoscope train"):
        ls.release(cells, "cnn-gap", out=tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
