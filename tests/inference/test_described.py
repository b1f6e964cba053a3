"""A model that is given descriptors goes through everything a network goes through."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from leukoscope.core.errors import ModelFileError
from leukoscope.core.verdicts import ANSWERS, Verdict
from leukoscope.data.descriptors import NAMES, VERSION, describe
from leukoscope.data.imaging.image import Crop, fixed_scale_crop
from leukoscope.inference.model_file.card import Card, Descriptors
from leukoscope.inference.model_file.card_text import card_text
from leukoscope.inference.model_file.model_file import ModelFile, load, write_card
from leukoscope.inference.model_file.verify import verify
from leukoscope.inference.predictor import Predictor
from tests.inference.bad_images import BROKEN, UNUSUAL
from tests.inference.tiny_model import cell_image, tiny_card

pytestmark = pytest.mark.slow(4)

CROP = Crop(300, 300)
CHOSEN = ("ln_area", "red_mean", "ln_band_3")
WEIGHTS = np.float32([[0.7], [0.02], [-0.9]])


def measured_card(**changes: Any) -> Card:
    own = {
        "input": CROP,
        "heatmap": "none",
        "cam_bias": None,
        "descriptors": Descriptors(VERSION, CHOSEN),
        "recipe": {"classical": {"estimator": "logistic", "c": [0.1], "leave_out": []}},
    }
    return tiny_card(**(own | changes))


def write_model(path: Path, card: Card | None = None, given: str = "features") -> Path:
    """The chosen descriptors times `WEIGHTS`."""
    value, kind = helper.make_tensor_value_info, TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", [given, "weights"], ["column"]),
            helper.make_node("Squeeze", ["column", "last"], ["logit"]),
            helper.make_node("Identity", [given], ["embedding"]),
        ],
        "measured",
        [value(given, kind, ["N", len(CHOSEN)])],
        [value("logit", kind, ["N"]), value("embedding", kind, ["N", len(CHOSEN)])],
        [
            numpy_helper.from_array(WEIGHTS, "weights"),
            numpy_helper.from_array(np.array([1]), "last"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, path)
    write_card(path, card or measured_card())
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("measured") / "m.onnx")


@pytest.fixture(scope="module")
def model(path: Path) -> ModelFile:
    return load(path)


def measured(image: np.ndarray) -> np.ndarray:
    return describe(fixed_scale_crop(image, CROP))[[NAMES.index(name) for name in CHOSEN]]


def test_answers_are_those_of_the_descriptors_that_the_card_names(model: ModelFile) -> None:
    images = [cell_image(seed) for seed in range(5)]
    found = list(Predictor(model, threads=2, batch_size=2).predict(images, embeddings=True))
    for image, one in zip(images, found, strict=True):
        assert np.array_equal(one.embedding, measured(image))
        assert one.logit == pytest.approx(float((measured(image) @ WEIGHTS)[0]), abs=1e-5)
        assert one.verdict in ANSWERS
        assert one.heatmap is None
    assert len({one.logit for one in found}) == 5


def test_an_answer_does_not_depend_on_its_company(model: ModelFile) -> None:
    images = [cell_image(seed) for seed in range(9)]
    answers = [
        [one.logit for one in Predictor(model, threads=1, batch_size=size).predict(images)]
        for size in (1, 4, 9)
    ]
    assert answers[0] == answers[1] == answers[2]


def test_a_larger_frame_changes_nothing(model: ModelFile) -> None:
    one, other = Predictor(model).predict([cell_image(3, side=450), cell_image(3, side=600)])
    assert one.logit == other.logit


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_image_is_a_row_and_the_rest_goes_on(name: str, model: ModelFile) -> None:
    found = list(Predictor(model, threads=1).predict([cell_image(), BROKEN[name](), cell_image(1)]))
    assert [one.verdict for one in found[::2]] == [found[0].verdict, found[2].verdict]
    assert {found[0].verdict, found[2].verdict} <= ANSWERS
    assert found[1].verdict is Verdict.ERROR
    assert found[1].reason
    assert "\n" not in found[1].reason


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_image_is_answered(name: str, model: ModelFile) -> None:
    (found,) = Predictor(model).predict([UNUSUAL[name]()])
    assert found.verdict in {*ANSWERS, Verdict.NOT_A_CELL}
    assert (found.p_all is None) == (found.verdict is Verdict.NOT_A_CELL)


@pytest.mark.parametrize(
    "descriptors",
    [Descriptors(VERSION + 1, CHOSEN), Descriptors(VERSION, ("ln_area", "red_mean", "weight"))],
)
def test_descriptors_that_are_not_measured_here_are_refused(
    descriptors: Descriptors, tmp_path: Path
) -> None:
    card = measured_card(descriptors=descriptors, versions={"leukoscope": "9.9"})
    wrong = write_model(tmp_path / "wrong.onnx", card)
    with pytest.raises(ModelFileError, match=r"wrong\.onnx: .*descriptors.* Leukoscope 9\.9"):
        load(wrong)


def test_a_network_that_takes_something_else_is_refused(tmp_path: Path) -> None:
    fewer = measured_card(descriptors=Descriptors(VERSION, CHOSEN[:2]))
    with pytest.raises(ModelFileError, match=r"expected features of float \(N, 2\)"):
        load(write_model(tmp_path / "m.onnx", fewer))
    with pytest.raises(ModelFileError, match="input features"):
        load(write_model(tmp_path / "n.onnx", given="values"))


def test_the_card_survives_and_refuses_names_given_twice() -> None:
    assert Card.from_json(measured_card().to_json()) == measured_card()
    twice = measured_card().to_json().replace("red_mean", "ln_area")
    with pytest.raises(ModelFileError, match="given twice"):
        Card.from_json(twice)


def test_verify_and_the_text_name_the_descriptors(path: Path, model: ModelFile) -> None:
    checks = verify(path)
    assert all(check.passed for check in checks)
    assert "features float32 (N, 3)" in checks[2].detail
    text = card_text(model.card)
    assert text.descriptors == f"3 descriptors of the cell, version {VERSION}"
    assert text.estimator == "logistic: c 0.1"
    assert card_text(tiny_card()).descriptors == ""


def test_predicting_imports_nothing_heavy(path: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "cell.npy", cell_image())
    code = (
        "import sys, numpy; from leukoscope.inference.predictor import Predictor\n"
        "[p] = Predictor(sys.argv[1]).predict([numpy.load(sys.argv[2])])\n"
        "heavy = {'torch', 'sklearn', 'matplotlib', 'cv2', 'onnx', 'scipy', 'skl2onnx'}\n"
        "print(p.logit is not None, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(tmp_path / "cell.npy")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "[]"]
