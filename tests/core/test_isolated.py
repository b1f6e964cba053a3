"""Whatever a native reader does to its process, the caller gets one error."""

import ctypes
import os
import signal
import time

import numpy as np
import pytest

from leukoscope.core.errors import CohortError
from leukoscope.core.isolated import IsolatedError, call_isolated
from leukoscope.core.tables import read_table, write_table

pytestmark = pytest.mark.slow(3)


def double(text: str) -> list[str]:
    return [text, text]


def refuse(text: str) -> None:
    raise ValueError(f"not {text}")


def panic(text: str) -> None:
    raise BaseException(text)


def abort() -> None:
    os.abort()


def segfault() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(0)


def hang() -> None:
    time.sleep(600)


def fill() -> int:
    return len(bytearray(8 << 30))


def test_the_value_comes_back():
    assert call_isolated(double, ["ä\udcff\n"]) == ["ä\udcff\n"] * 2


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        (refuse, ["one"], "not one"),
        (panic, ["all lost"], "all lost"),
        (abort, [], "SIGABRT"),
        (segfault, [], "SIGSEGV"),
        (leave, [], "no answer"),
        (fill, [], "MemoryError"),
        (double, ["a\0b"], "null"),
    ],
)
def test_every_end_is_one_error_with_its_reason(function, arguments, reason):
    with pytest.raises(IsolatedError, match=reason):
        call_isolated(function, arguments)


def test_a_reader_that_takes_too_long_is_stopped():
    with pytest.raises(IsolatedError, match=r"within 0\.5 s"):
        call_isolated(hang, [], seconds=0.5)


def test_a_parquet_file_whose_reader_crashes_is_one_line(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    write_table(path, {"path": ["a", "b"], "x": np.array([1.5, np.nan])})
    assert read_table(path)["path"].tolist() == ["a", "b"]
    monkeypatch.setattr("leukoscope.core.parquet._columns", abort_at)
    with pytest.raises(CohortError) as caught:
        read_table(path)
    assert signal.SIGABRT.name in str(caught.value)
    assert "\n" not in str(caught.value)


def abort_at(_path: str) -> None:
    os.abort()
