from pathlib import Path

import numpy as np
import pytest

from leukoscope.core.errors import ParityError
from leukoscope.data.descriptors import NAMES, VERSION
from leukoscope.data.imaging.image import Crop
from leukoscope.inference.model_file.card import Descriptors
from leukoscope.models.estimators.logistic import LogisticModel
from leukoscope.models.estimators.on_descriptors import DescriptorModel
from leukoscope.training.calibration.package import TOLERANCE, export, verify_parity
from tests.inference.tiny_model import tiny_card
from tests.root import ROOT
from tests.training.described import DESCRIPTORS, ON_DESCRIPTORS, drawn, quick

COHORT, VALUES = drawn()
_, OTHERS = drawn(1)
CARD = tiny_card(
    input=Crop(450, 450),
    heatmap="none",
    cam_bias=None,
    descriptors=Descriptors(VERSION, NAMES[:DESCRIPTORS]),
)


def fitted(estimator: str) -> DescriptorModel:
    settings = quick(estimator)
    weights = np.where(COHORT["label"] == 1, 0.7, 1.3)
    chosen = settings.candidates()[0]
    person = COHORT["person"]
    model = settings.fit(chosen, VALUES, COHORT["label"], weights, person=person, seed=0)
    assert isinstance(model, DescriptorModel)
    return model


@pytest.mark.parametrize("estimator", ON_DESCRIPTORS)
def test_the_file_answers_as_the_estimator_row_by_row_and_together(
    estimator: str, tmp_path: Path
) -> None:
    path, model = tmp_path / "m.onnx", fitted(estimator)
    file = export(model, CARD, path)
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]
    rows = np.arange(len(OTHERS))
    assert verify_parity(model, file, OTHERS, rows, path) <= TOLERANCE
    outputs = file.run_inputs(OTHERS, embeddings=True)
    np.testing.assert_allclose(outputs.logit, model.logit(OTHERS), atol=2e-5)
    np.testing.assert_allclose(outputs.embedding, model.embedding(OTHERS), atol=1e-5)
    alone = np.concatenate([file.run_inputs(row[None]).logit for row in OTHERS])
    assert np.array_equal(alone, outputs.logit)


@pytest.mark.parametrize("estimator", ON_DESCRIPTORS)
def test_cells_far_from_any_known_get_a_finite_answer(estimator: str, tmp_path: Path) -> None:
    path, model = tmp_path / "m.onnx", fitted(estimator)
    file = export(model, CARD, path)
    far = np.stack([VALUES[0] * 0, VALUES[0] * 1e6, VALUES[0] * -1e6]).astype(np.float32)
    found = file.run_inputs(far).logit
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, model.logit(far), atol=1e-4)


def test_a_file_that_differs_from_the_estimator_is_refused(tmp_path: Path) -> None:
    class Otherwise(LogisticModel):
        def logit(self, values: np.ndarray) -> np.ndarray:
            return super().logit(values) + 0.01

    path, model = tmp_path / "m.onnx", fitted("logistic")
    file = export(model, CARD, path)
    other = Otherwise(**vars(model))
    with pytest.raises(ParityError, match=r"m\.onnx.* differ .* by 0\.01 .*nothing was written"):
        verify_parity(other, file, OTHERS, np.arange(8), path)


def test_the_file_names_no_path_of_the_machine_it_was_made_on(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    fitted("svm").to_onnx(path)
    written = path.read_bytes()
    assert b"site-packages" not in written
    assert str(ROOT).encode() not in written
