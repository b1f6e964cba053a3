"""Predictions as a sequence, a table on the screen and a DataFrame."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leukoscope.core.errors import RESEARCH_USE, MissingExtraError
from leukoscope.core.verdicts import Verdict
from leukoscope.data.cohort import make_cohort
from leukoscope.inference.predictions import SHOWN, Predictions
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.results import FIELDS, Prediction
from tests.inference.planted import write_planted
from tests.inference.tiny_model import cell_image, write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx"), threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells")
    for cell in (1, 2):
        Image.fromarray(cell_image(cell)).save(folder / f"UID_H7_1_{cell}_hem.bmp")
    (folder / "<b>.bmp").write_bytes(b"BM")
    return folder


def test_predictions_are_a_sequence(model: Predictor, folder: Path) -> None:
    found = model.predict(folder)
    assert len(found) == 3
    assert [type(prediction) for prediction in found] == [Prediction] * 3
    assert found[-1] is list(found)[-1]
    assert isinstance(found[1:], Predictions)
    assert [p.name for p in found[1:]] == [p.name for p in found][1:]
    assert (found.failed, found.outcome.exit_code, found.model) == (1, 3, "tiny")
    assert [(one.subject, one.cells) for one in found.subjects] == [("H7", 2), ("", 1)]


def test_whatever_names_images_gives_the_same_predictions(model: Predictor, folder: Path) -> None:
    expected = [p.logit for p in model.predict(folder)][1:]
    paths = sorted(folder.glob("UID*"))
    image = np.asarray(Image.open(paths[0]))
    one = expected[:1]
    assert [p.logit for p in model.predict(str(folder / "UID*.bmp"))] == expected
    assert [p.logit for p in model.predict(paths)] == expected
    assert [p.logit for p in model.predict(iter(paths))] == expected
    assert [p.logit for p in model.predict(str(paths[0]))] == one
    assert [p.logit for p in model.predict(paths[0])] == one
    assert [p.logit for p in model.predict(paths[0].read_bytes())] == one
    assert [p.logit for p in model.predict(image)] == one
    assert [p.logit for p in model.predict(np.stack([image, image]))] == one * 2
    assert [p.logit for p in model.predict([paths[0], paths[0]])] == one


def test_of_a_table_each_row_is_an_image(model: Predictor, folder: Path) -> None:
    twice = [str(path) for path in sorted(folder.glob("UID*"))] * 2
    expected = [p.logit for p in model.predict(folder)][1:] * 2
    assert [p.logit for p in model.predict(make_cohort({"path": twice}))] == expected
    assert [p.logit for p in model.predict(pd.DataFrame({"path": twice}))] == expected


def test_a_short_table_is_shown(model: Predictor, folder: Path) -> None:
    lines = repr(model.predict(folder)).splitlines()
    assert lines[0].startswith("Model 'tiny', 3 images: ")
    assert lines[1].split() == ["image", "verdict", "p_all", "reason"]
    assert len(lines) == 3 + 3
    assert lines[-1] == RESEARCH_USE
    many = Predictions([Prediction("a", Verdict.BLAST, 0.9)] * 1000, "tiny")
    assert len(repr(many).splitlines()) == SHOWN + 4
    assert "1,000 images: 1,000 blast" in repr(many)
    assert repr(Predictions([], "tiny")).startswith("Model 'tiny', 0 images\n")


def test_a_file_name_is_escaped_wherever_it_is_shown(model: Predictor, folder: Path) -> None:
    page = model.predict(folder)._repr_html_()
    assert "&lt;b&gt;.bmp" in page
    assert "<b>.bmp" not in page
    assert RESEARCH_USE in page
    odd = Predictions([Prediction("\x1b[2J\udcff\n", Verdict.ERROR, reason="r" * 500)], "tiny")
    assert "\\x1b[2J\\udcff\\n" in repr(odd)
    assert max(map(len, repr(odd).splitlines())) < 200


def test_rows_become_a_data_frame(model: Predictor, folder: Path) -> None:
    found = model.predict(folder)
    frame = found.to_pandas()
    assert tuple(frame.columns) == FIELDS
    assert frame["p_all"].dtype == frame["logit"].dtype == np.float64
    assert frame["p_all"].isna().tolist() == [True, False, False]
    assert frame["verdict"].tolist() == [str(p.verdict) for p in found]
    assert len(Predictions([], "tiny").to_pandas()) == 0


def test_without_pandas_the_error_names_it(
    model: Predictor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = model.predict(folder)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="'pandas'"):
        found.to_pandas()


def test_explanations_name_the_kind_of_heatmap(
    model: Predictor, folder: Path, tmp_path: Path
) -> None:
    broken, exact, _ = model.explain(folder)
    assert (broken.heatmap, broken.heatmap_kind) == (None, None)
    assert exact.heatmap_kind == "exact"
    assert "exact>" in repr(exact)
    (same,) = model.predict(exact.name, heatmaps=True)
    np.testing.assert_array_equal(same.heatmap, exact.heatmap)
    (approximate,) = Predictor(write_planted(tmp_path / "m.onnx")).explain(exact.name)
    assert approximate.heatmap_kind == "occlusion"
    assert approximate.heatmap.ndim == 2
