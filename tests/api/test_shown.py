"""What a user sees of an object in a terminal or a notebook: short, escaped, honest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import leukoscope as ls
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.data.audit.result import AuditResult
from leukoscope.data.cohort import make_cohort
from leukoscope.data.splits.partition import Split
from leukoscope.evaluation.comparison.record import Comparison
from leukoscope.evaluation.leakage.record import Study as LeakageStudy
from leukoscope.models.recipe.recipe import read_recipe
from leukoscope.training.tuning.results import Study
from tests.evaluation.made_runs import evaluated, predictions
from tests.inference.tiny_model import tiny_card

COHORT = make_cohort({"path": ["<i>.bmp"] * 1000, "label": [1, 0] * 500, "subject": ["1"] * 1000})
SPLIT = Split("image", 0, "path", {"a": "train", "b": "validation", "c": "test"}, leaky=True)
AUDIT = AuditResult(COHORT, {"kind": np.array(["exact", "same-cell"])}, {"<1>": "p", "2": "p"})
OBJECTS = {
    "cohort": (COHORT, ["1,000 cells", "500 ALL", "1 subject"]),
    "split": (SPLIT, ["by image", "LEAKY", "1 train", "1 test"]),
    "audit": (AUDIT, ["1,000 cells", "2 subjects", "1 person", "1 identical"]),
    "run": (ls.Run(Path("runs/x"), read_recipe("svm"), SPLIT, COHORT), ["svm", "x", "LEAKY"]),
    "card": (tiny_card(), ["tiny", "persons"]),
    "comparison": (Comparison("auroc", (), skipped=("x",)), ["0 runs", "1 folder skipped"]),
    "tuning": (Study(Path("studies/x"), "auroc", (), None, None), ["x", "0 trials"]),
    "leakage": (LeakageStudy("data", False, (), ()), ["0 runs"]),
    "evaluation": (evaluated(predictions()), ["AUROC", "cells of"]),
    "model": (ls.load_model(), ["Predictor", "default"]),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_one_short_line(name: str) -> None:
    shown, words = OBJECTS[name]
    line = repr(shown)
    assert len(line) < 250
    assert "\n" not in line
    assert [word for word in words if word not in line] == []


@pytest.mark.parametrize("name", ["cohort", "audit", "card", "evaluation"])
def test_a_notebook_shows_an_escaped_table_with_the_notice(name: str) -> None:
    shown: Any = OBJECTS[name][0]
    page = shown._repr_html_()
    assert page.count("<table>") == 1
    assert page.count("<tr>") > 1
    assert RESEARCH_USE in page
    assert "<i>" not in page
    assert "<1>" not in page
    assert len(page) < 10_000
