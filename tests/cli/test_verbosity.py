"""The options -q and -v, completion, and lines that say a thing once."""

import csv
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer

import leukoscope as ls
from leukoscope.cli.main import app, main
from leukoscope.core.console_log import LOGGER
from leukoscope.core.verdicts import Verdict


def commands(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """All commands and groups below one, with their words."""
    below = getattr(command, "commands", {})
    found = [one for name, sub in below.items() for one in commands(sub, (*path, name))]
    return [(path, command), *found]


def test_every_command_takes_quiet_and_verbose_once() -> None:
    for path, command in commands(typer.main.get_command(app)):
        given = [name for parameter in command.params for name in parameter.opts]
        assert [given.count(name) for name in ("-q", "--quiet", "-v", "--verbose")] == [1] * 4, path


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], ["told", "warned"]),
        (["-q"], ["warned"]),
        (["--verbose"], ["detail", "told", "warned"]),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_the_level_of_the_log_is_chosen_before_or_after_the_command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    shown: list[str],
    first: bool,
) -> None:
    def describe(_source: Any) -> dict[str, Any]:
        log = logging.getLogger("leukoscope.api.data")
        log.debug("detail")
        log.info("told")
        log.warning("warned")
        return {}

    monkeypatch.setattr(ls, "describe_data", describe)
    command = ["data", "info", "cells", "--json"]
    before = LOGGER.level
    with pytest.raises(SystemExit) as end:
        main([*words, *command] if first else [*command, *words])
    assert end.value.code == 0
    printed = capsys.readouterr()
    assert printed.err.split() == shown
    assert printed.out.strip() == "{}"  # the result is always shown
    assert LOGGER.level == before


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_shell_gets_a_script_that_completes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    with pytest.raises(SystemExit) as end:
        main(["--show-completion", shell])
    assert end.value.code == 0
    assert "leukoscope" in capsys.readouterr().out


def test_commands_and_options_are_completed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line, word, wanted in (
        ("leukoscope data a", 2, "audit"),
        ("leukoscope train --rec", 2, "--recipe"),
    ):
        monkeypatch.setenv("_LEUKOSCOPE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(word))
        with pytest.raises(SystemExit):
            main([])
        assert wanted in capsys.readouterr().out.split()


def test_quiet_predictions_show_warnings_but_no_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ls.make_synthetic(tmp_path / "cells", persons=2, cells=1)
    capsys.readouterr()
    (tmp_path / "cells" / "broken.png").write_bytes(b"x")
    with pytest.raises(SystemExit) as end:
        main(["-q", "predict", str(tmp_path / "cells"), "--out", str(tmp_path / "p.csv")])
    assert end.value.code == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith(("Subject", "Answers", "3 images"))] == []
    assert [line[:6] for line in lines][-2:] == ["1 of 3", "Resear"]


def test_predictions_into_a_file_end_with_their_counts_and_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ls.make_synthetic(tmp_path / "cells", persons=2, cells=1)
    (tmp_path / "cells" / "broken.png").write_bytes(b"x")
    (out, subjects), told = (tmp_path / name for name in ("p.csv", "s.csv")), []
    command = ["predict", str(tmp_path / "cells"), "--out", str(out)]
    for more in ([], ["--subjects-out", str(subjects)], ["--json"]):
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main([*command, *more])
        told.append(capsys.readouterr())
    with out.open() as file:
        counts = Counter(row["verdict"] for row in csv.DictReader(file))
    listed = ", ".join(f"{counts[one]} {one}" for one in Verdict if counts[one])
    (line,) = [line for line in told[0].err.splitlines() if line.startswith("3 images")]
    assert line == f"3 images: {listed}; written to {out}."
    assert f"written to {out} and {subjects}." in told[1].err
    record = json.loads(told[2].out)
    assert (record["verdicts"], record["out"]) == (counts, str(out))
