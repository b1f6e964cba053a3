"""The command line: what it prints where, and how it ends."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

import leukoscope as ls
from leukoscope.cli.common import report
from leukoscope.cli.main import app, main
from leukoscope.cli.train import parse_setting
from leukoscope.core.errors import RESEARCH_USE, CohortError
from leukoscope.core.tables import read_table
from leukoscope.models.recipe.recipe import recipe_names
from tests.inference.tiny_model import cell_image, tiny_card, write_tiny_model

HEAVY = {"numpy", "PIL", "onnxruntime", "torch", "cv2", "sklearn", "scipy", "matplotlib", "rich"}


@pytest.fixture
def run(capsys):
    """Call the command line; returns exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.onnx")


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    folder = tmp_path / "cells"
    folder.mkdir()
    for cell in (1, 2):
        Image.fromarray(cell_image(cell)).save(folder / f"UID_H7_1_{cell}_hem.bmp")
    return folder


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from leukoscope.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, loaded = done.stdout.split("LOADED")
    assert RESEARCH_USE in " ".join(text.split())
    assert not HEAVY & set(loaded.split())


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command, groups included."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from commands(below, (*path, name))


@pytest.mark.parametrize("words", [*commands(typer.main.get_command(app))], ids=" ".join)
def test_every_command_has_help(run, words):
    code, out, _ = run(*words, "--help")
    assert code == 0
    assert " ".join(("leukoscope", *words)) in out
    assert "..." not in out.partition("\nCommands:\n")[2]  # a summary fits on its line


def test_version(run):
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("leukoscope 0.")


def test_predict_prints_rows_and_a_summary_apart(run, model, cells):
    code, out, err = run("predict", model, cells)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["subject"] for row in rows] == ["H7", "H7"]
    assert "Subject H7" in err
    assert RESEARCH_USE in err


HOSTILE = "=1+1\x1b[2J\u202e;@x"


def test_names_from_elsewhere_neither_move_the_cursor_nor_are_formulas(
    run, cells, tmp_path, monkeypatch
):
    model = write_tiny_model(tmp_path / "hostile.onnx", card=tiny_card(name=HOSTILE))
    monkeypatch.chdir(cells)
    next(cells.iterdir()).rename(f"{HOSTILE}.bmp")
    Path("=2.bmp").write_bytes(b"BM")
    printed = [
        run("predict", "--model", model, "--", f"{HOSTILE}.bmp", "=2.bmp"),
        run("predict", "--model", model, "--out", tmp_path / "rows.csv", cells),
        run("model", "show", model),
        run("model", "show", model, "--json"),
        run("data", "info", tmp_path / f"none{HOSTILE}"),
    ]
    for _, out, err in printed:
        assert "\x1b" not in out + err
        assert "\u202e" not in out + err
    rows = list(csv.DictReader(io.StringIO(printed[0][1])))
    assert [row["path"][:2] for row in rows] == ["'=", "'="]
    assert json.loads(printed[3][1])["name"] == HOSTILE
    ls.predict([f"{HOSTILE}.bmp"], model, out="again.csv")
    assert read_table("again.csv")["path"].tolist() == [str(cells / f"{HOSTILE}.bmp")]
    assert read_table("again.csv")["model"].tolist() == [HOSTILE]
    assert "'=1+1" in Path("again.csv").read_text()


def test_predict_exits_3_where_a_file_failed(run, model, cells, tmp_path):
    (cells / "broken.bmp").write_bytes(b"BM")
    out = tmp_path / "rows.csv"
    code, printed, err = run("predict", "--model", model, cells, "--out", out)
    assert code == 3
    assert printed == ""
    assert "1 of 3 failed" in err
    assert [row["verdict"] for row in csv.DictReader(out.open())].count("error") == 1


def test_predict_summary_as_json(run, model, cells, tmp_path):
    code, out, _ = run("predict", model, cells, "--json", "--out", tmp_path / "rows.jsonl")
    summary = json.loads(out)
    assert code == 0
    assert summary["notice"] == RESEARCH_USE
    assert (summary["rows"], summary["failed"]) == (2, 0)
    assert [subject["subject"] for subject in summary["subjects"]] == ["H7"]


@pytest.mark.parametrize("extra", [[], ["--json", "cells"]], ids=["no images", "json, no file"])
def test_predict_refuses_half_a_command(run, extra):
    code, out, err = run("predict", "model.onnx", *extra)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_model_show_and_verify(run, model):
    code, out, _ = run("model", "show", model)
    assert code == 0
    assert RESEARCH_USE in out
    assert "Operating point" in out
    code, out, _ = run("model", "show", model, "--json")
    assert json.loads(out)["name"] == "tiny"
    code, out, _ = run("model", "verify", model)
    assert code == 0
    assert "FAILED" not in out


def test_model_verify_fails_on_another_file(run, tmp_path):
    other = tmp_path / "other.onnx"
    other.write_bytes(b"not a model")
    code, out, _ = run("model", "verify", other, "--json")
    assert code == 1
    assert [check["passed"] for check in json.loads(out)] == [False]


def test_recipes_lists_all(run):
    code, out, _ = run("recipes", "--json")
    assert code == 0
    assert sorted(json.loads(out)) == recipe_names()


def test_download_knows_one_data_set(run):
    code, _, err = run("data", "download", "imagenet")
    assert code == 2
    assert "cnmc" in err


def test_user_errors_are_one_line(run, tmp_path):
    code, out, err = run("data", "verify", tmp_path / "absent")
    assert (code, out) == (2, "")
    assert err.startswith("leukoscope: ")
    assert "absent" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (CohortError("a clear line"), 2, "a clear line"),
        (PermissionError(13, "Permission denied", "out.csv"), 2, "out.csv: Permission denied"),
        (ModuleNotFoundError("no", name="torch.nn"), 2, "[train]"),
        (ModuleNotFoundError("no 'fcntl'", name="fcntl"), 1, "This is a bug"),
        (ImportError("no 'x' in torch", name="torch"), 1, "This is a bug"),
        (ZeroDivisionError("half\nway"), 1, "ZeroDivisionError: half way. "),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_whatever_goes_wrong_ends_in_one_line(run, monkeypatch, error, code, words):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.delenv("LEUKOSCOPE_DEBUG", raising=False)
    monkeypatch.setattr(ls, "describe_data", fail)
    ended, out, err = run("data", "info", "cells")
    assert (ended, out) == (code, "")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("command", "resumes"), [("preview", False), ("train", True)])
def test_only_commands_that_resume_say_so_when_interrupted(run, monkeypatch, command, resumes):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ls, command, interrupt)
    ended, _, err = run(command, "cells")
    assert ended == 130
    assert ("same command" in err) == resumes


def test_debug_shows_where(run, monkeypatch):
    monkeypatch.setenv("LEUKOSCOPE_DEBUG", "1")
    monkeypatch.setattr(ls, "describe_data", lambda source: 1 / 0)
    assert "Traceback" in run("data", "info", "cells")[2]


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("loss.l2=0.5", ("loss.l2", 0.5)),
        ("augment.flip=false", ("augment.flip", False)),
        ("network.widths=[8, 16]", ("network.widths", [8, 16])),
        ("loss.class_weights={ALL: 1, HEM: 2}", ("loss.class_weights", {"ALL": 1, "HEM": 2})),
        ("name=a=b", ("name", "a=b")),
    ],
)
def test_settings_are_read_as_in_a_recipe(text, setting):
    assert parse_setting(text) == setting


@pytest.mark.parametrize("text", ["loss.l2", "=1", "loss.l2=[1"])
def test_an_invalid_setting_is_refused(run, text):
    code, _, err = run("train", "cells", "--set", text)
    assert code == 2
    assert "NAME=VALUE" in err


def test_the_shipped_model_has_its_name_in_every_command(run):
    assert run("model", "show", "default")[:2] == run("model", "show")[:2]


def test_report_in_words(capsys):
    report({"cells": {"ALL": 7272}, "leaky": False, "subjects_of_one_person": [["1", "15"]]}, False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["cells:"],
        ["ALL", "7,272"],
        ["leaky", "no"],
        ["subjects", "of", "one", "person", "1", "15"],
    ]


def test_a_report_in_words_says_what_is_unknown_and_what_is_none(capsys):
    report({"diameter": None, "left_out": {}, "failed": []}, False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["diameter", "unknown"],
        ["left", "out", "none"],
        ["failed", "none"],
    ]
