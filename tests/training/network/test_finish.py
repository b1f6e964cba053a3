from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from leukoscope.data.cohort import Cohort
from leukoscope.evaluation.metrics.calibration import sigmoid
from leukoscope.inference.model_file.card import Card, truncate
from leukoscope.inference.model_file.model_file import load, read_card
from leukoscope.models.network.networks import build
from leukoscope.training.network.finish import package_model
from tests.training.tiny import tiny_cohort, tiny_recipe, tiny_split

COHORT, CELLS = tiny_cohort()
PART = COHORT["part"]


def finished(path: Path, cohort: Cohort = COHORT, cells: np.ndarray = CELLS, **more: Any) -> Card:
    torch.manual_seed(3)
    recipe = tiny_recipe()
    network = build(recipe).eval()
    options = {"synthetic": False, **more}
    return package_model(network, cohort, cells, recipe, tiny_split(cohort), path, **options)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Card]:
    path = tmp_path_factory.mktemp("finish") / "model.onnx"
    return path, finished(path)


def test_the_card_is_the_files(done: tuple[Path, Card]) -> None:
    path, card = done
    assert read_card(path) == card


def test_the_card_names_training_and_validation_and_no_other(done: tuple[Path, Card]) -> None:
    training = done[1].training
    for part in ("train", "validation"):
        assert set(training.persons[part]) == set(COHORT["person"][part == PART])
    assert training.persons.keys() == {"train", "validation"}
    seen = np.isin(PART, ["train", "validation"])
    assert set(training.subjects) == set(COHORT["subject"][seen])
    assert done[1].hash_set() == {truncate(value) for value in COHORT["sha256"][seen]}
    assert training.cells == {
        "train": {"ALL": 24, "HEM": 24},
        "validation": {"ALL": 6, "HEM": 6},
    }


def test_a_cohort_of_its_own_test_part_shares_nothing(done: tuple[Path, Card]) -> None:
    for part, shared in (("test", False), ("validation", True)):
        cohort = COHORT.select(np.flatnonzero(part == PART))
        overlap = done[1].overlap(cohort["subject"], cohort["person"], cohort["sha256"])
        assert bool(overlap) == shared


def test_the_operating_point_reaches_its_recall_on_validation(done: tuple[Path, Card]) -> None:
    path, card = done
    point = card.operating_point
    assert point is not None
    rows = PART == "validation"
    p = sigmoid(load(path).run(CELLS[rows]).logit / card.temperature)
    blast = COHORT["label"][rows] == 1
    assert np.mean(p[blast] >= point.threshold) == point.recall >= point.target_recall == 0.95
    assert np.mean(p[~blast] < point.threshold) == point.specificity
    curve = card.operating_curve
    assert curve is not None
    assert curve.sensitivity[50] == pytest.approx(np.mean(p[blast] >= 0.5), abs=1e-4)
    assert curve.specificity[50] == pytest.approx(np.mean(p[~blast] < 0.5), abs=1e-4)
    assert (point.set_on.part, point.set_on.persons, point.set_on.cells) == ("validation", 2, 12)


def test_other_test_cells_and_labels_change_nothing(
    done: tuple[Path, Card], tmp_path: Path
) -> None:
    test = PART == "test"
    cells = np.where(test[:, None, None, None], 255 - CELLS, CELLS)
    cohort = COHORT.with_columns(label=np.where(test, 1 - COHORT["label"], COHORT["label"]))
    card = finished(tmp_path / "m.onnx", cohort, cells)
    assert replace(card, created=done[1].created) == done[1]


def test_other_validation_labels_change_temperature_and_point(
    done: tuple[Path, Card], tmp_path: Path
) -> None:
    """So that the test above says something."""
    validation = PART == "validation"
    labels = np.where(validation, 1 - COHORT["label"], COHORT["label"])
    changed = COHORT.with_columns(label=labels)
    card = finished(tmp_path / "m.onnx", changed, target_recall=0.5, synthetic=True)
    assert card.operating_point is not None
    assert card.operating_point.target_recall == 0.5
    assert card.temperature != done[1].temperature
    assert card.operating_point.threshold != done[1].operating_point.threshold
    assert card.training.synthetic
    assert not done[1].training.synthetic
    assert "Synthetic" in card.data.name
