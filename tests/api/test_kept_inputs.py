"""No command writes its result over the data set that it reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import leukoscope as ls
from leukoscope.core.errors import FileError

CALLS: dict[str, Callable[[Path], object]] = {
    "split": lambda at: ls.split(at / "cohort.csv", out=at / "cohort.csv"),
    "split, over an image": lambda at: ls.split(at / "cohort.csv", out=at / "0.png"),
    "split, by another name": lambda at: ls.split(at / "link.csv", out=at / "cohort.csv"),
    "preview": lambda at: ls.preview(at / "cohort.csv", out=at / "cohort.csv"),
    "preview, over a model": lambda at: ls.preview(at / "cohort.csv", out=at / "model.onnx"),
    "audit": lambda at: ls.audit(at / "cohort.csv", out=at),
    "report": lambda at: ls.report_data(at / "measurements.csv", at),
    "predictions of release": lambda at: ls.release(
        at / "cohort.csv", "logistic", out=at / "m.onnx", predictions=at / "cohort.csv"
    ),
    "both of release": lambda at: ls.release(
        at / "cohort.csv", "logistic", out=at / "m.csv", predictions=at / "m.csv"
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_output_that_is_an_input_is_refused(
    call: Callable[[Path], object], tmp_path: Path
) -> None:
    rows = ["path,label,subject"]
    for number, shade in enumerate((90, 120, 150, 180)):
        image = np.zeros((40, 40, 3), np.uint8)
        image[10:30, 10 : 25 + number] = shade
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{'ALL' if number % 2 else 'HEM'},p{number}")
    for name in ("cohort.csv", "measurements.csv"):
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    (tmp_path / "model.onnx").write_bytes(b"a model")
    (tmp_path / "link.csv").symlink_to("cohort.csv")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileError):
        call(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
