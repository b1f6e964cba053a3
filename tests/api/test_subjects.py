"""Command line, Python and REST give the same answer for a subject."""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from PIL import Image
from typer.testing import CliRunner

import leukoscope as ls
from leukoscope.api.predict import predict_to_table
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from leukoscope.cli.main import app
from leukoscope.core.console_log import log_to_stderr
from leukoscope.core.errors import FileError
from leukoscope.core.tables import read_table
from tests.inference.subject.test_answer import MODEL
from tests.inference.tiny_model import cell_image, tiny_card, write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    return write_tiny_model(path, card=tiny_card(subjects=MODEL))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for number in range(7):
        Image.fromarray(cell_image(number, 200)).save(folder / f"UID_5_{number}_1_all.png")
    (folder / "UID_6_1_1_all.png").write_bytes(b"nothing")
    return folder


def test_all_three_say_the_same(model: Path, images: Path, tmp_path: Path) -> None:
    out, subjects = tmp_path / "rows.csv", tmp_path / "subjects.csv"
    options = ["--model", str(model), "--out", str(out), "--subjects-out", str(subjects), "--json"]
    result = CliRunner().invoke(app, ["predict", str(images), *options])
    assert result.exit_code == 3  # one file is no image
    printed = json.loads(result.stdout)["subjects"]
    found = ls.predict(images, model).subjects
    settings = Settings(model=model, ephemeral=True, workers=1)
    with closing(TestClient(create_app(settings), base_url="http://localhost")) as client, client:
        files = [("f", (path.name, path.read_bytes())) for path in sorted(images.iterdir())]
        sent = client.post("/v1/predict", files=files).json()["subjects"]
    table = read_table(subjects, text=["subject"])
    assert table["subject"].tolist() == [one.subject for one in found] == ["5", "6"]
    for number, one in enumerate(found):
        assert one.answer is not None
        assert printed[number]["answer"] == pytest.approx(vars(one.answer))
        assert sent[number]["answer"] == pytest.approx(vars(one.answer))
        assert table["verdict"][number] == one.answer.verdict
        assert table["usable_cells"][number] == one.answer.cells


def predict_command(images: Path, model: Path, out: Path, *options: str) -> Result:
    """Run the command as `main` does, which shows more than warnings."""
    with log_to_stderr():
        return CliRunner().invoke(
            app, ["predict", str(images), "--model", str(model), "--out", str(out), *options]
        )


def test_in_context_is_a_column_of_its_own(model: Path, images: Path, tmp_path: Path) -> None:
    tables = []
    for options in ([], ["--in-context"]):
        out = tmp_path / "rows.csv"
        result = predict_command(images, model, out, *options)
        assert result.exit_code == 3
        tables.append(read_table(out))
    alone, context = tables
    assert set(context) - set(alone) == {"p_all_in_context"}
    assert alone["verdict"].tolist() == context["verdict"].tolist()
    assert ls.predict(images, model).p_all_in_context == [
        None if np.isnan(p) else pytest.approx(p) for p in context["p_all_in_context"]
    ]
    assert "after treatment" in result.stderr


def test_a_model_without_a_subject_model_says_so(images: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.onnx")
    result = predict_command(images, model, tmp_path / "rows.csv")
    assert "No answers for subjects" in result.stderr


def test_no_table_is_written_over_its_input_or_another_table(
    model: Path, images: Path, tmp_path: Path
) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("path,subject\n" + f"{images / 'UID_5_1_1_all.png'},K1\n")
    before = table.read_bytes()
    link = tmp_path / "link.csv"
    link.symlink_to(table)
    for out in (table, link):
        with pytest.raises(FileError, match="is an input"):
            ls.predict(table, model, out=out)
        with pytest.raises(FileError, match="is an input"):
            predict_to_table([table], model, out=out)
    both = tmp_path / "both.csv"
    with pytest.raises(FileError, match="two outputs"):
        predict_to_table([table], model, out=both, subjects_out=both)
    assert table.read_bytes() == before
    assert not both.exists()
    ls.predict((path for path in [table]), model, out=both)
    assert len(read_table(both)["path"]) == 1


def test_predict_evaluate_and_rest_count_copies_once(
    model: Path, images: Path, tmp_path: Path
) -> None:
    paths = sorted(images.glob("UID_5_*"))
    with Image.open(paths[0]) as image:
        image.save(tmp_path / "again.bmp")
    files = [*paths, tmp_path / "again.bmp"]
    table = tmp_path / "cells.csv"
    table.write_text("\n".join(["path,label,subject", *(f"{path},ALL,P1" for path in files)]))
    (subject,) = ls.predict(table, model).subjects
    assert subject.answer is not None
    assert (subject.answer.cells, subject.answer.copies) == (7, 1)
    measured = ls.evaluate(model, table, out=tmp_path / "report")
    assert measured.person_answers is not None
    (row,) = measured.person_answers.rows
    assert (row.answer.cells, row.answer.copies) == (7, 1)
    assert row.answer.probability == pytest.approx(subject.answer.probability)
    assert any(note.startswith("COPIES: 1 of 8 images") for note in measured.protocol.notes)
    settings = Settings(model=model, ephemeral=True, workers=1)
    with closing(TestClient(create_app(settings), base_url="http://localhost")) as client, client:
        sent = [("f", (path.name, path.read_bytes())) for path in (files[0], files[-1])]
        answers = client.post("/v1/predict", files=sent).json()
    assert answers["answers"][0]["pixels"] == answers["answers"][1]["pixels"] != ""
