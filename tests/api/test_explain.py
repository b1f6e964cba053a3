"""`explain` draws the right kind of map for any model, and a bad image is a row."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import leukoscope as ls
from leukoscope.core.drawn import LISTED_IN
from leukoscope.core.tables import read_table
from tests.inference.planted import write_planted
from tests.inference.test_described import write_model
from tests.inference.tiny_model import cell_image, write_tiny_model


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    Image.fromarray(cell_image(9)).save(folder / "a.png")
    (folder / "b.bmp").write_bytes(b"BM")
    return folder


@pytest.mark.parametrize(
    ("write", "kind"),
    [(write_tiny_model, "exact"), (write_planted, "occlusion"), (write_model, "occlusion")],
)
def test_pictures_and_table(write, kind: str, images: Path, tmp_path: Path) -> None:
    model = write(tmp_path / "m.onnx")
    found = ls.explain(images, model, out=tmp_path / "out")
    assert (len(found), found.failed, found.outcome.exit_code) == (2, 1, 3)
    assert [prediction.heatmap_kind for prediction in found] == [kind, None]
    table = read_table(tmp_path / "out" / "explanations.csv")
    assert table["heatmap_kind"].tolist() == [kind, ""]
    assert table["picture"].tolist() == ["0001-a.png", ""]
    assert table["heatmap_largest"][0] > 0
    drawn = np.asarray(Image.open(tmp_path / "out" / "0001-a.png"))
    side = drawn.shape[0]
    assert drawn.shape == (side, 2 * side, 3)
    assert (drawn[:, :side] != drawn[:, side:]).any()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        LISTED_IN,
        "0001-a.png",
        "explanations.csv",
    }


def test_the_command_line(images: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "m.onnx")
    done = subprocess.run(
        [sys.executable, "-m", "leukoscope", "explain", str(images / "a.png"), "--model",
         str(model), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("explanations.csv")
    assert (tmp_path / "out" / "0001-a.png").is_file()
