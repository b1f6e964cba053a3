"""The tool that makes the shipped model prints what it writes, and draws it."""

import csv
import sys
from pathlib import Path

import pytest

from leukoscope.evaluation.metrics.metrics import CARD_METRICS
from leukoscope.inference.model_file.model_file import read_card
from tests.training.tiny import write_cells
from tools.make_model import main

RECIPE = "name: tiny\nclassical: {estimator: kernel, ridge: 0.3, gamma: 0.3}\n"


def test_figures_persons_and_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, recipe = write_cells(tmp_path / "cells"), tmp_path / "tiny.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    out, answers, drawn = (tmp_path / name for name in ("m.onnx", "answers.csv", "drawn"))
    options = ["--out", out, "--answers", answers, "--figures", drawn, "--folds", "2"]
    given = ["make_model.py", cells, "--recipe", recipe, *options]
    monkeypatch.setattr(sys, "argv", [str(one) for one in given])
    main()
    text, card = capsys.readouterr().out, read_card(out)
    for metric in CARD_METRICS:
        one = card.results[metric.key]
        assert f"| {metric.title} | {one.value:.3f} (" in text
    assert card.left_out
    for row in card.left_out:
        assert f"| {row.person} | {row.label} | {row.cells} | {row.area} |" in text
    assert len(list(drawn.glob("*.png"))) == 3
    with answers.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    all_cells = [row for row in rows if row["label"] == "ALL"]
    blasts = sum(row["verdict"] == "blast" for row in all_cells)
    assert f"of ALL cells {blasts / len(all_cells):.1%} blast" in text
