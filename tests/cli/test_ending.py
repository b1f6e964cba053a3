"""The end of the program: Ctrl-C at any time and any number of times; a machine without room."""

import errno
import io
import subprocess
import sys

import pytest

import leukoscope as ls

# A command whose threads still compute natively when Ctrl-C comes, as those of `predict` do.
INTERRUPTED = """
import os, signal, sys, threading, types
import numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)
times = int(sys.argv[1])

def compute():
    while True:
        np.random.default_rng(0).random(1000000).sort()

def main():
    threading.Thread(target=compute).start()
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        for _ in range(times - 1):
            signal.raise_signal(signal.SIGINT)
        print("kept", end="")
        sys.exit(130)

sys.modules["leukoscope.cli.main"] = types.SimpleNamespace(main=main)
from leukoscope.__main__ import run
run()
"""


@pytest.mark.parametrize("times", [1, 2, 3])
def test_ctrl_c_ends_the_program_with_130_however_often(times):
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(times)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 130
    assert ended.stdout == ("kept" if times == 1 else "")
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") <= 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.onnx"), "x.onnx: No space"),
        (RuntimeError("I/O error: full (os error 28)"), "No space"),
        (OSError(errno.EMFILE, "Too many open files", "x.bmp"), "ulimit -n"),
        (MemoryError(), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory"),
        (RuntimeError("can't start new thread"), "memory"),
        (SystemError("error return without exception set"), "memory"),
        (ImportError("x.so: failed to map segment from shared object"), "memory"),
    ],
)
def test_what_the_machine_lacks_is_not_called_a_bug(monkeypatch, capsys, error, words):
    from leukoscope.cli.main import main

    def fail(*_):
        raise error

    monkeypatch.setattr(ls, "describe_data", fail)
    with pytest.raises(SystemExit) as ended:
        main(["data", "info", "cells"])
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert words in err
    assert "bug" not in err
    assert err.count("\n") == 1


def test_ctrl_c_that_a_library_turned_into_another_error_is_still_ctrl_c(monkeypatch, capsys):
    from leukoscope.cli.main import main

    def fail(*_):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    monkeypatch.setattr(ls, "describe_data", fail)
    with pytest.raises(SystemExit) as ended:
        main(["data", "info", "cells"])
    assert ended.value.code == 130
    assert "bug" not in capsys.readouterr().err


def test_names_that_the_terminal_cannot_show_are_escaped(monkeypatch, tmp_path):
    from leukoscope.cli.main import main

    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="cp1252"))
    with pytest.raises(SystemExit) as end:
        main(["data", "info", str(tmp_path / "細胞\udcf6")])
    sys.stderr.flush()
    assert end.value.code == 2
    assert rb"\u7d30\u80de\udcf6" in raw.getvalue()
