"""Run a command of Leukoscope as on Windows: without the modules and signals that are Unix's own.

    python tests/compat/without_posix.py predict cell.png

The standard library itself may still import them, as its other code paths need another system.
"""

import builtins
import os
import signal
import sys
from typing import Any

MODULES = frozenset({"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"})
SIGNALS = (
    "SIGALRM",
    "SIGHUP",
    "SIGKILL",
    "SIGQUIT",
    "SIGUSR1",
    "pause",
    "setitimer",
    "ITIMER_REAL",
)
FUNCTIONS = ("fork", "getuid", "geteuid", "killpg", "sched_getaffinity", "statvfs", "mkfifo")


def block() -> None:
    """Take away what Windows lacks."""
    plain_import = builtins.__import__

    def import_(name: str, globals: Any = None, *rest: Any, **named: Any) -> Any:
        importer = str((globals or {}).get("__name__", "")).partition(".")[0]
        if name.partition(".")[0] in MODULES and importer not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return plain_import(name, globals, *rest, **named)

    builtins.__import__ = import_
    for name in SIGNALS:
        delattr(signal, name)
    for name in FUNCTIONS:
        delattr(os, name)


if __name__ == "__main__":
    block()
    from leukoscope.cli.main import main

    main()
