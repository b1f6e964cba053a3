"""The program `leukoscope`, also as `python -m leukoscope`, which is what torchrun starts."""

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

INTERRUPTED = 130  # as shells number a command that Ctrl-C ended


def run() -> NoReturn:
    """Run the command line, and end cleanly however often Ctrl-C is pressed.

    An interrupted process does not wait for its threads and finalizers: while native code still
    computes, the interpreter's end would abort it.
    """
    try:
        from leukoscope.cli.main import main

        main()
    except KeyboardInterrupt:  # before the command began, or again while it stopped
        _ignore_further()
        print("leukoscope: interrupted.", file=sys.stderr)  # noqa: T201
    except MemoryError:  # again, while the first one was reported
        os.write(sys.stderr.fileno(), b"leukoscope: not enough memory.\n")
        os._exit(2)
    except SystemExit as end:
        if end.code != INTERRUPTED:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to clean up
            raise
        _ignore_further()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(INTERRUPTED)


def _ignore_further() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    run()
