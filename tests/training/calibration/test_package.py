import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from leukoscope.core.errors import ParityError, TrainingError
from leukoscope.core.statistics import sigmoid
from leukoscope.data.cohort import Cohort
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.hashes import truncate
from leukoscope.inference.model_file.model_file import load, read_card
from leukoscope.models.network.cam import CamNetwork, NetworkOutput
from leukoscope.models.network.layers import Normalize, convolutions
from leukoscope.models.network.networks import build
from leukoscope.models.network.onnx_export import TrainedNetwork
from leukoscope.training.calibration import package
from leukoscope.training.calibration.package import TOLERANCE, package_model, verify_parity
from leukoscope.training.network.export import network_card
from tests.root import ROOT
from tests.training.tiny import SIZE, tiny_cohort, tiny_recipe, tiny_split

pytestmark = pytest.mark.slow(20)

COHORT, CELLS = tiny_cohort()
PART = COHORT["part"]


def packaged(
    path: Path,
    cohort: Cohort = COHORT,
    cells: np.ndarray = CELLS,
    *,
    network: torch.nn.Module | None = None,
    change: Callable[[Card], Card] = lambda card: card,
    target_recall: float = 0.95,
) -> Card:
    torch.manual_seed(3)
    recipe = tiny_recipe()
    network = network or build(recipe).eval()
    card = change(network_card(network, cohort, recipe, tiny_split(cohort)))
    model = TrainedNetwork(network, SIZE)
    return package_model(model, card, cohort, cells, path, target_recall=target_recall)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Card]:
    path = tmp_path_factory.mktemp("package") / "model.onnx"
    return path, packaged(path)


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
    card = packaged(tmp_path / "m.onnx", cohort, cells)
    assert replace(card, created=done[1].created) == done[1]


def test_other_validation_labels_change_temperature_and_point(
    done: tuple[Path, Card], tmp_path: Path
) -> None:
    """So that the test above says something."""
    validation = PART == "validation"
    labels = np.where(validation, 1 - COHORT["label"], COHORT["label"])
    changed = COHORT.with_columns(label=labels)
    card = packaged(tmp_path / "m.onnx", changed, target_recall=0.5)
    assert card.operating_point is not None
    assert done[1].operating_point is not None
    assert card.operating_point.target_recall == 0.5
    assert card.temperature != done[1].temperature
    assert card.operating_point.threshold != done[1].operating_point.threshold


def test_the_card_of_a_model_of_drawn_cells_says_so(done: tuple[Path, Card]) -> None:
    names = [f"UID_S1_{number}_1_all.bmp" for number in range(len(COHORT))]
    drawn = COHORT.with_columns(subject=["S1"] * len(COHORT), path=names)
    recipe = tiny_recipe()
    card = network_card(build(recipe).eval(), drawn, recipe, tiny_split(drawn))
    assert card.training.synthetic
    assert "Synthetic" in card.data.name
    elsewhere = drawn.with_columns(path=COHORT["path"])  # a laboratory may have an id S1 too
    assert not network_card(build(recipe), elsewhere, recipe, tiny_split(drawn)).training.synthetic
    assert not done[1].training.synthetic


class OtherOnceExported(CamNetwork):
    """Gives other logits in the file than out of it."""

    def forward(self, cells: torch.Tensor) -> NetworkOutput:
        output = super().forward(cells)
        shift = 0.01 if torch.compiler.is_exporting() else 0.0
        return output._replace(logit=output.logit + shift)


def test_a_file_that_differs_from_the_model_is_refused(tmp_path: Path) -> None:
    settings = tiny_recipe().network
    trunk = convolutions(settings)
    network = OtherOnceExported(settings, Normalize(), trunk, settings.widths[-1]).eval()
    with pytest.raises(ParityError, match=r"m\.onnx.* differ .* by 0\.01 .*nothing was written"):
        packaged(tmp_path / "m.onnx", network=network)
    assert not list(tmp_path.iterdir())


def test_a_heatmap_that_contradicts_the_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParityError):
        packaged(
            tmp_path / "m.onnx",
            change=lambda card: replace(card, cam_bias=(card.cam_bias or 0) + 0.5),
        )
    assert not list(tmp_path.iterdir())


def test_an_earlier_model_outlives_a_failed_export(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"the earlier model")
    network = build(tiny_recipe()).eval()
    network.get_parameter("classifier.weight").data[0, 0] = float("nan")
    with pytest.raises(TrainingError, match="diverged"):
        packaged(path, network=network)
    assert path.read_bytes() == b"the earlier model"
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]


def test_parity_is_verified_on_evenly_spaced_cells(
    done: tuple[Path, Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(3)
    model = TrainedNetwork(build(tiny_recipe()).eval(), SIZE)
    monkeypatch.setattr(package, "PARITY_CELLS", 10)

    class Recorded:
        def __len__(self) -> int:
            return len(CELLS)

        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            asked.append(rows.tolist())
            return np.asarray(CELLS[rows])

    asked: list[list[int]] = []
    rows = np.arange(72)
    assert verify_parity(model, load(done[0]), Recorded(), rows, done[0]) <= TOLERANCE
    assert asked == [list(range(0, 70, 7))]


# The model of this file stands for the trained one, so that no PyTorch is loaded.
KILLED_AT_THE_END = """
import os, shutil, signal, sys
from pathlib import Path
from leukoscope.inference.model_file.model_file import load
from leukoscope.training.calibration import package
from tests.training.tiny import tiny_cohort

made = load(Path(sys.argv[1]))

class Trained:
    def to_onnx(self, path):
        shutil.copy(sys.argv[1], path)

    def file_logits(self, inputs):
        return made.run(inputs).logit

package.write_card = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
cohort, cells = tiny_cohort()
package.package_model(
    Trained(), made.card, cohort, cells, Path(sys.argv[2]), target_recall=0.95
)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_no_incomplete_model_has_the_final_name_when_killed(
    done: tuple[Path, Card], tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-c", KILLED_AT_THE_END, str(done[0]), str(path)]
    ended = subprocess.run(command, env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not path.exists()


def test_the_final_name_is_given_once_and_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, renamed = tmp_path / "model.onnx", []
    own = Path.replace

    def replaced(source: Path, target: Path) -> Path:
        renamed.append(Path(target).name)
        return own(source, target)

    monkeypatch.setattr(Path, "replace", replaced)
    card = packaged(path)
    assert renamed.count("model.onnx") == 1
    assert read_card(path) == card
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
