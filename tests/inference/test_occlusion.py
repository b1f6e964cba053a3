"""An occlusion map finds what a planted model looks at, and what it costs is bounded."""

from pathlib import Path

import numpy as np
import pytest

from leukoscope.data.imaging.perturb import blurred_baseline, cut_into_patches
from leukoscope.inference.model_file.model_file import ModelFile, load
from leukoscope.inference.occlusion import occlusion_map
from tests.inference.planted import PLACE, SIZE, write_planted
from tests.inference.test_described import CROP, write_model
from tests.inference.tiny_model import cell_image

CELL = cell_image(9)[75:375, 75:375]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return load(write_planted(tmp_path_factory.mktemp("planted") / "planted.onnx"))


def logit(model: ModelFile, cell: np.ndarray) -> float:
    return float(model.run(cell[None]).logit[0])


def test_the_map_lies_where_the_model_looks_and_nowhere_else(planted: ModelFile) -> None:
    found = occlusion_map(planted, CELL)
    assert found.shape == (12, 12)
    assert found.dtype == np.float32
    elsewhere = found.copy()
    elsewhere[5:7, 6:8] = 0
    assert (found[5:7, 6:8] != 0).all()
    assert not elsewhere.any()


def test_the_map_has_the_sign_of_what_speaks_for_all(planted: ModelFile) -> None:
    cell = np.where(CELL > 0, np.uint8(100), np.uint8(0))
    red, blue = cell.copy(), cell.copy()
    # A speck in the patch 5 down, 6 across, so small that smoothing carries it away.
    red[145:150, 170:175, 0] = blue[145:150, 170:175, 2] = 250
    found = occlusion_map(planted, red)
    assert np.unravel_index(found.argmax(), found.shape) == (5, 6)
    assert found.max() > 1
    assert np.allclose(occlusion_map(planted, blue), -found, rtol=1e-3, atol=1)


def test_of_a_model_that_adds_up_its_patches_the_mean_is_a_logit(planted: ModelFile) -> None:
    whole = logit(planted, CELL) - logit(planted, blurred_baseline(CELL, SIZE))
    assert abs(whole) > 0.1
    assert occlusion_map(planted, CELL).mean() == pytest.approx(whole, rel=1e-3)


def test_a_model_of_descriptors_has_a_map_too(tmp_path: Path) -> None:
    model = load(write_model(tmp_path / "m.onnx"))
    assert model.card.input == CROP
    found = occlusion_map(model, CELL)
    inside = np.zeros(144, bool)
    inside[cut_into_patches(CELL, 300).on_cell] = True
    assert not found.ravel()[~inside].any()
    assert np.isfinite(found).all()
    assert (found.ravel()[inside] != 0).mean() > 0.9


def test_answers_asked_for_are_bounded(planted: ModelFile, monkeypatch) -> None:
    asked: list[int] = []
    run = ModelFile.run

    def counted(self: ModelFile, cells: np.ndarray, **wanted: bool):
        asked.append(len(cells))
        return run(self, cells, **wanted)

    monkeypatch.setattr(ModelFile, "run", counted)
    field = np.random.default_rng(0).integers(1, 255, (SIZE, SIZE, 3)).astype(np.uint8)
    occlusion_map(planted, field, most=40)
    assert sum(asked) <= 41
    asked.clear()
    assert not occlusion_map(planted, np.zeros_like(field)).any()
    assert not asked


def test_a_model_that_looks_beside_the_cell_gets_an_empty_map(planted: ModelFile) -> None:
    cell = CELL.copy()
    cell[PLACE] = 0
    assert not occlusion_map(planted, cell).any()
