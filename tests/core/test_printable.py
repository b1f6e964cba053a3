import io
import logging
import sys

import pytest

from leukoscope.core.console_log import StandardError
from leukoscope.core.errors import ImageError
from leukoscope.core.printable import LONGEST_ERROR, VisibleFormatter, cut, show, visible

CLEAR = "\x1b[2J"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 細胞 a\tb\nc", "plain ü 細胞 a\tb\nc"),
        (f"a{CLEAR}b", r"a\x1b[2Jb"),
        ("\x9b2J \x7f", r"\u009b2J \u007f"),
        ("a\rb\x08\x00", r"a\x0db\x08\x00"),
        ("\u202egnp.exe\u2066\u2028", r"\u202egnp.exe\u2066\u2028"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_shown(text, shown):
    assert visible(text) == shown


def test_everything_printed_is_visible(capsys):
    stream = io.StringIO()
    show("a", CLEAR, sep="-", file=stream)
    show(CLEAR, end="")
    assert stream.getvalue() == "a-\\x1b[2J\n"
    assert capsys.readouterr().out == "\\x1b[2J"


def test_the_log_is_visible_and_its_lines_are_cut(capsys):
    StandardError().emit(logging.makeLogRecord({"msg": f"{CLEAR}{'x' * 5_000}\nend"}))
    long, end = capsys.readouterr().err.splitlines()
    assert long.startswith("\\x1b[2J")
    assert len(long) < LONGEST_ERROR + 10
    assert end == "end"


def test_a_log_with_a_traceback_is_visible():
    try:
        raise ValueError(CLEAR)
    except ValueError:
        record = logging.makeLogRecord({"msg": CLEAR, "exc_info": sys.exc_info()})
    text = VisibleFormatter("%(message)s").format(record)
    assert "\x1b" not in text
    assert text.count("\\x1b[2J") == 2


def test_an_error_is_cut_in_the_middle():
    message = str(ImageError(f"start {'x' * 50_000} end"))
    assert len(message) == LONGEST_ERROR
    assert message.startswith("start ")
    assert message.endswith(" end")
    assert cut("abcdefghij", 5) == "ab…ij"
    assert cut("abcde", 5) == "abcde"
