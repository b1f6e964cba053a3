import ast
import io
import logging
import sys
from contextlib import redirect_stderr

import pytest

from leukoscope.core.console_log import LOGGER, is_shown, log_to_stderr, set_level
from tests.root import ROOT

log = logging.getLogger("leukoscope.some.module")


def test_lines_are_shown_within_the_block_only(capsys: pytest.CaptureFixture[str]) -> None:
    before = LOGGER.level  # another test may have set it
    LOGGER.setLevel(logging.WARNING)
    log.info("before")
    assert not is_shown()
    with log_to_stderr():
        assert is_shown()
        log.info("plain 100 % line")
    log.info("after")
    LOGGER.setLevel(before)
    assert capsys.readouterr() == ("", "plain 100 % line\n")


def test_lines_go_where_standard_error_is_now() -> None:
    with log_to_stderr(), redirect_stderr(io.StringIO()) as now:
        log.info("here")
    assert now.getvalue() == "here\n"
    assert sys.stderr is not now


def test_a_line_is_shown_once_except_those_of_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    server = logging.getLogger("leukoscope.access")
    with log_to_stderr():
        for _ in range(3):
            log.warning("117 descriptors")
            server.info("GET /healthz")
        log.info("other")
        set_level(logging.DEBUG)
        log.info("other")
    lines = capsys.readouterr().err.splitlines()
    assert [lines.count(text) for text in ("117 descriptors", "GET /healthz", "other")] == [1, 3, 2]


def test_repeated_lines_are_remembered_in_bounded_memory(monkeypatch, capsys) -> None:
    monkeypatch.setattr("leukoscope.core.console_log.REMEMBERED", 2)
    with log_to_stderr():
        for text in ("a", "b", "c", "a", "c"):
            log.info(text)
    assert capsys.readouterr().err.split() == ["a", "b", "c", "a"]


def test_everything_is_printed_in_one_place() -> None:
    allowed = ("__main__.py", "core/printable.py")
    source = ROOT / "src" / "leukoscope"
    calls = {
        path.relative_to(source)
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert not [name for name in calls if not any(map(name.is_relative_to, allowed))]
