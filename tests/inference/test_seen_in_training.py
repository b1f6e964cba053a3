"""Images that a model was trained on are flagged, by their file and by their pixels."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leukoscope.cli.main import main
from leukoscope.core.tables import read_table
from leukoscope.data.imaging.pixel_identity import pixel_sha256
from leukoscope.inference.model_file.hashes import SeenImages, pack_hashes
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.reading import read_image
from leukoscope.inference.rejection.flags import Flag
from tests.inference.tiny_model import cell_image, tiny_card, write_tiny_model

SEEN, NEW = cell_image(1), cell_image(2)


def png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def model(folder: Path, *, pixels: bool) -> Path:
    """A model that was trained on the image SEEN, as a PNG file."""
    training = replace(
        tiny_card().training,
        hashes=pack_hashes([hashlib.sha256(png(SEEN)).hexdigest()]),
        pixels=pack_hashes([pixel_sha256(SEEN)]) if pixels else "",
    )
    return write_tiny_model(folder / "model.onnx", card=tiny_card(training=training))


@pytest.mark.parametrize("pixels", [True, False])
def test_a_training_image_is_flagged_in_every_form(tmp_path: Path, pixels: bool) -> None:
    predictor = Predictor(model(tmp_path, pixels=pixels))
    same, copy = tmp_path / "same.png", tmp_path / "copy.bmp"
    same.write_bytes(png(SEEN))
    Image.fromarray(np.rot90(SEEN)).save(copy)
    images = [same, str(same), png(SEEN), copy, SEEN, NEW, png(NEW)]
    flagged = [Flag.SEEN_IN_TRAINING in p.flags for p in predictor.predict_batch(images)]
    assert flagged == [True, True, True, pixels, pixels, False, False]


def test_a_card_that_knows_some_pixels_alone_still_goes_by_files(tmp_path: Path) -> None:
    copy = tmp_path / "seen.bmp"
    Image.fromarray(SEEN).save(copy)
    file = int(hashlib.sha256(copy.read_bytes()).hexdigest()[:16], 16)
    some = SeenImages(frozenset([file]), frozenset([1]))
    assert read_image(copy, tiny_card(), some).seen
    assert not read_image(copy, tiny_card(), replace(some, complete=True)).seen


def test_the_flag_changes_no_verdict(tmp_path: Path) -> None:
    plain = Predictor(write_tiny_model(tmp_path / "plain.onnx"))
    flagged = Predictor(model(tmp_path, pixels=True))
    before, after = (p.predict_batch([SEEN])[0] for p in (plain, flagged))
    assert (before.verdict, before.p_all, before.reason) == (
        after.verdict,
        after.p_all,
        after.reason,
    )
    assert after.flags == (*before.flags, "seen in training")


def test_the_console_and_the_printed_table_count_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, cells = model(tmp_path, pixels=True), tmp_path / "cells"
    cells.mkdir()
    Image.fromarray(SEEN).save(cells / "a.bmp")
    Image.fromarray(NEW).save(cells / "b.bmp")
    with pytest.raises(SystemExit):
        main(["predict", str(path), str(cells), "--out", str(tmp_path / "out.csv")])
    assert "SEEN IN TRAINING: 1 of 2 images" in capsys.readouterr().err
    flags = read_table(tmp_path / "out.csv")["flags"]
    assert ["seen in training" in text for text in flags] == [True, False]
    assert "SEEN IN TRAINING: 1 of 2 images" in repr(Predictor(path).predict(cells))
    assert "SEEN" not in repr(Predictor(path).predict([NEW]))


def test_explain_counts_them_on_the_console_and_in_its_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, cells = model(tmp_path, pixels=True), tmp_path / "cells"
    cells.mkdir()
    Image.fromarray(SEEN).save(cells / "a.bmp")
    Image.fromarray(NEW).save(cells / "b.bmp")
    with pytest.raises(SystemExit):
        main(["explain", str(path), str(cells), "--out", str(tmp_path / "out")])
    assert "SEEN IN TRAINING: 1 of 2 images" in capsys.readouterr().err
    flags = read_table(tmp_path / "out" / "explanations.csv")["flags"]
    assert ["seen in training" in text for text in flags] == [True, False]
