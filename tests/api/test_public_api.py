"""The Python API as its users meet it: names, types, keyword-only options, the command line."""

import inspect
import subprocess
import sys
import tomllib
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest
import typer

import leukoscope as ls
from leukoscope.api.predict import predict_to_table
from leukoscope.cli.main import app
from leukoscope.data.cohort import write_cohort
from tests.data.cells import draw_cell, save_cohort
from tests.root import ROOT

HEAVY = {"numpy", "PIL", "onnxruntime", "torch", "sklearn", "scipy", "matplotlib", "pandas", "rich"}
CLASSES = {"Cohort", "LeukoscopeError", "Prediction", "Predictions", "Predictor", "Recipe", "Run"}
FUNCTIONS = {name: getattr(ls, name) for name in ls.__all__ if name.islower() and name[0] != "_"}
POSITIONAL = 2
"""Main arguments of a function at most; all others are keyword-only."""

USER_SCRIPT = """
from pathlib import Path
from typing import assert_type

import leukoscope as ls
from leukoscope.evaluation.record import Evaluation
from leukoscope.inference.summary import SubjectSummary

assert_type(ls.__version__, str)
model = ls.load_model()
assert_type(model, ls.Predictor)
found = model.predict(["a.bmp", Path("cells")])
assert_type(found, ls.Predictions)
assert_type(ls.predict("cells/", model, out="rows.csv"), ls.Predictions)
assert_type(found[0], ls.Prediction)
assert_type(found[:2], ls.Predictions)
assert_type(found[0].verdict, ls.Verdict)
assert_type(found.subjects, tuple[SubjectSummary, ...])
assert_type(ls.read_cohort("cells/"), ls.Cohort)
run = ls.train(ls.read_cohort("cells/"), "cnn-gap", seed=1)
assert_type(run, ls.Run)
assert_type(run.recipe, ls.Recipe)
assert_type(ls.evaluate(run), Evaluation)
ls.predict("cells/", None, "rows.csv")  # type: ignore[call-arg]  # options are keyword-only
ls.no_such_name  # type: ignore[attr-defined]
"""


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, leukoscope as ls; dir(ls); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_every_name_is_listed_and_exists() -> None:
    assert set(dir(ls)) == set(ls.__all__)
    assert CLASSES | {"Verdict", "load_model", "predict", "__version__"} <= set(dir(ls))
    for name in ls.__all__:
        assert getattr(ls, name).__doc__
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = ls.no_such_name


def test_the_version_is_the_package_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project.get("version", ls.__version__) == ls.__version__


# Reading the types of PyTorch, SciPy and their like takes half a minute; the script uses none.
MYPY = """
[mypy]
follow_imports = skip
[mypy-leukoscope.*]
follow_imports = silent
"""


@pytest.mark.slow(5)
def test_a_users_script_is_typed(tmp_path: Path) -> None:
    """Run mypy as a user would: on a script elsewhere, against the installed package."""
    script = tmp_path / "script.py"
    script.write_text(USER_SCRIPT)
    (tmp_path / "mypy.ini").write_text(MYPY)
    cache = ROOT / ".mypy_cache" / "user"
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_are_keyword_only_and_typed(name: str) -> None:
    signature = inspect.signature(FUNCTIONS[name])
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    assert kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) <= POSITIONAL
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty
    assert signature.return_annotation not in (inspect.Signature.empty, Any, "Any")


# --- the command line offers what the functions offer

COMMANDS = {
    "adapt": "adapt",
    "cells": "cells",
    "audit": "data audit",
    "compare": "compare",
    "demo": "demo",
    "describe_data": "data info",
    "download": "data download",
    "evaluate": "evaluate",
    "evaluate_preliminary": "evaluate",
    "explain": "explain",
    "leakage": "leakage",
    "make_synthetic": "data synthesize",
    "model_card": "model card",
    "model_checklist": "model checklist",
    "predict": "predict",
    "preview": "preview",
    "release": "release",
    "read_card": "model show",
    "report_data": "data report",
    "serve": "serve",
    "split": "data split",
    "submission": "submission",
    "train": "train",
    "tune": "tune",
    "verify_data": "data verify",
    "verify_model": "model verify",
}
WITHOUT_COMMAND = {
    "load_model": "opens a model for Python; the commands take --model",
    "read_cohort": "reads a table for Python; the commands take DIR",
    "recalibrate": "for runs of an earlier version, once each",
}
OTHER_NAMES = {
    ("download", "target"): "to",
    ("download", "confirm"): "yes",
    ("explain", "images"): "paths",
    ("predict", "images"): "paths",
    ("serve", "open_browser"): "browser",
    ("submission", "data"): "paths",
    ("train", "resume"): "fresh",
}
WITHOUT_OPTION = {
    ("predict", "heatmaps"): "arrays have no place in a table; the command explain draws them",
    ("predict", "embeddings"): "arrays have no place in a table",
}
OTHER_DEFAULTS = {
    ("audit", "out"): "a command writes files; a function returns the result",
    ("cells", "keep"): "an option that is repeated has no default",
    ("cells", "out"): "as of audit",
    ("explain", "out"): "as of audit",
    ("split", "out"): "as of audit",
    ("serve", "open_browser"): "open in a terminal only",
    ("train", "resume"): "the option is its opposite",
}


def command_parameters(path: str) -> Mapping[str, click.Parameter]:
    """The parameters of a command by their Python name."""
    command: Any = typer.main.get_command(app)
    for name in path.split():
        command = command.commands[name]
    return {str(parameter.name): parameter for parameter in command.params}


def test_every_function_has_a_command_or_a_reason() -> None:
    assert COMMANDS.keys() | WITHOUT_COMMAND.keys() == FUNCTIONS.keys()
    assert not COMMANDS.keys() & WITHOUT_COMMAND.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_keyword_of_a_function_is_an_option_of_its_command(name: str) -> None:
    options = command_parameters(COMMANDS[name])
    for keyword, parameter in inspect.signature(FUNCTIONS[name]).parameters.items():
        if (name, keyword) in WITHOUT_OPTION:
            continue
        option = options[OTHER_NAMES.get((name, keyword), keyword)]
        if (name, keyword) in OTHER_DEFAULTS or parameter.default is inspect.Parameter.empty:
            continue
        assert as_default(option) == str(parameter.default or None)


def as_default(option: click.Parameter) -> str:
    """The default of an option, written as that of the function."""
    parse = {"fractions": float, "splits": str, "seeds": int}.get(str(option.name))
    if parse is None:
        return str(option.default or None)
    return str(tuple(map(parse, str(option.default).split(","))))


def test_the_command_predict_holds_no_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of a million images are written as they come."""
    alive: list[weakref.ref[ls.Prediction]] = []
    most = 0

    def stream(self: ls.Predictor, images: list[Any]) -> Iterator[ls.Prediction]:
        nonlocal most
        for name in images:
            prediction = ls.Prediction(str(name), ls.Verdict.NORMAL, 0.1, -2.0)
            alive.append(weakref.ref(prediction))
            most = max(most, sum(reference() is not None for reference in alive))
            yield prediction

    monkeypatch.setattr(ls.Predictor, "stream", stream)
    images: Any = [np.zeros((1, 1, 3), np.uint8)] * 500
    outcome = predict_to_table(images, out=tmp_path / "rows.csv")
    assert outcome.rows == 500
    assert most <= 3


# --- any form of data


@pytest.fixture
def cohort(tmp_path: Path) -> ls.Cohort:
    """Three drawn cells."""
    folder = tmp_path / "cells"
    folder.mkdir()
    images = {f"{name}.png": draw_cell(seed) for seed, name in enumerate("abc")}
    return save_cohort(folder, images, [1, 0, 1], ["1", "H2", "3"])


def test_a_data_frame_is_a_data_set(cohort: ls.Cohort) -> None:
    frame = cohort.to_pandas()
    assert list(ls.read_cohort(frame)["path"]) == list(cohort["path"])
    assert ls.describe_data(frame)["cells"] == ls.describe_data(cohort)["cells"]
    with pytest.raises(ls.LeukoscopeError, match="list"):
        ls.read_cohort([1, 2])  # type: ignore[arg-type]
    with pytest.raises(ls.LeukoscopeError, match="labels"):
        ls.read_cohort(pd.DataFrame({"path": ["a"]}), labels="labels.csv")


def test_a_cohort_drawn_into_a_relative_folder_can_be_written_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn = ls.make_synthetic("cells", persons=2, cells=1)
    write_cohort(drawn, "elsewhere/cohort.csv")
    read = ls.read_cohort("elsewhere/cohort.csv")
    assert read.paths == drawn.paths
    assert all(path.is_file() for path in read.paths)


def test_nothing_is_printed_or_written_unless_asked(
    cohort: ls.Cohort,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ls.predict(cohort)
    ls.explain(cohort)
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]
