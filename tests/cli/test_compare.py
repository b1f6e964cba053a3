"""`leukoscope compare`: what it prints where, and how it ends."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from leukoscope.cli.compare import _print_columns
from leukoscope.cli.main import main
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.evaluation.comparison.published import MARK
from tests.evaluation.made_runs import LEAKY, write_measured_run


@pytest.fixture
def run(capsys):
    """Call the command line; returns exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_measured_run(folder / "dense-0")
    write_measured_run(folder / "[red]cnn", model=2, recipe="cnn")
    write_measured_run(folder / "leaky", cells=1, model=2, recipe="cnn", protocol=LEAKY)
    return folder


def test_the_table_names_runs_groups_and_marks(run, runs, tmp_path):
    code, out, err = run("compare", *sorted(runs.iterdir()), "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    for wanted in ("dense-0", "[red]cnn", "by person", "by image", "LEAKY", RESEARCH_USE):
        assert wanted in out
    assert out.index("[red]cnn") < out.index("LEAKY") < out.index("leaky")
    assert MARK in out
    assert "--baseline" in out  # none was named
    assert (tmp_path / "out" / "comparison.html").is_file()


def test_left_out_folders_are_said_on_standard_error_with_exit_code_3(run, runs, tmp_path):
    (tmp_path / "odd\x1b[31m").mkdir()
    code, out, err = run("compare", runs / "dense-0", tmp_path / "odd\x1b[31m", "absent")
    assert code == 3
    assert "dense-0" in out
    assert [line.startswith("leukoscope: ") for line in err.splitlines()] == [True, True]
    assert "\x1b" not in err
    assert "absent: not a run folder" in err


def test_json_is_all_of_standard_output(run, runs):
    code, out, err = run("compare", runs / "dense-0", runs / "leaky", "absent", "--json")
    assert code == 3
    body = json.loads(out)
    assert [group["leaky"] for group in body["groups"]] == [False, True]
    assert len(body["left_out"]) == len(err.splitlines()) == 1


def test_nothing_to_compare_is_an_error_of_one_line(run):
    code, out, err = run("compare", "absent")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_differences_are_shown_beside_the_baseline(run, runs):
    code, out, _ = run("compare", *sorted(runs.iterdir()), "--baseline", runs / "dense-0")
    assert code == 0
    assert "baseline" in out
    assert "none: other cells" in " ".join(out.split())


@pytest.mark.parametrize("width", [40, 60, 90, 400])
def test_a_table_shows_whole_columns_as_far_as_the_terminal_goes(width):
    columns = {
        "#": ["1", "2"],
        "Run": ["dense-0", "x" * 9],
        "AUROC": ["0.974 (0.954 to 0.986)"] * 2,
    }
    columns |= {f"Figure {number}": ["0.500 (0.400 to 0.600)"] * 2 for number in range(4)}
    console = Console(width=width, file=StringIO())
    _print_columns(console, columns)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    head = text.split("A wider terminal")[0]
    shown = [name for name in columns if name in head]
    hidden = [name for name in columns if name not in shown]
    assert len(shown) >= 3
    assert head.count("0.500 (0.400 to 0.600)") == 2 * (len(shown) - 3)  # none is broken
    assert " ".join(text.split()).endswith(
        f"shows also: {', '.join(hidden)}." if hidden else "600)"
    )
    assert bool(hidden) == (width < 400)
