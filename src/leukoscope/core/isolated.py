"""Native readers of untrusted files in a process of their own.

A library in C++ or Rust that meets a damaged file may abort the process, run for ever or take all
memory, and no `except` stops it. Whatever happens in the process here is one error of the caller.
"""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

SECONDS = 60.0
MEMORY = 4 << 30  # bytes of address space
# Without `site` and the variables of the environment it starts in 20 ms; the paths are given.
_START = """
import json, sys
module, memory, sys.path[:] = json.loads(sys.argv[1])
from leukoscope.core.isolated import _answer
_answer(module, memory, sys.argv[2:])
"""


class IsolatedError(Exception):
    """The other process gave no answer; the text says why."""


def call_isolated(
    function: Callable[..., Any],
    arguments: Sequence[str],
    *,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Any:
    """Call a function in another process.

    Args:
        function: A function at the top of a module, which takes strings and returns what JSON can
            hold.
        arguments: Its arguments.
        seconds: Time limit.
        memory: Limit of the address space in bytes, where the operating system knows one.

    Raises:
        IsolatedError: It raised an error, crashed, or exceeded a limit.
    """
    name = f"{function.__module__}:{function.__qualname__}"
    start = [sys.executable, "-I", "-S", "-c", _START, json.dumps([name, memory, sys.path])]
    try:
        ended = subprocess.run(
            [*start, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise IsolatedError(f"not read within {seconds:g} s") from None
    except ValueError as error:  # a null byte in an argument
        raise IsolatedError(str(error)) from None
    if ended.returncode < 0:
        name = signal.Signals(-ended.returncode).name
        raise IsolatedError(f"its reader crashed with {name}; the file is damaged or too large")
    try:
        answer = json.loads(ended.stdout)
    except ValueError:
        last = (ended.stderr.decode(errors="replace").strip().splitlines() or ["no answer"])[-1]
        raise IsolatedError(f"its reader failed: {last[:200]}") from None
    if "error" in answer:
        raise IsolatedError(answer["error"])
    return answer["value"]


def _answer(name: str, memory: int, arguments: list[str]) -> None:
    """Call the function in the new process, and print what came of it."""
    from importlib import import_module

    module, _, function = name.partition(":")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    called = getattr(import_module(module), function)
    _limit(memory)
    try:
        answer = {"value": called(*arguments)}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of Rust is no Exception
        answer = {"error": " ".join(str(error).split())[:300] or type(error).__name__}
    sys.stdout.write(json.dumps(answer))


def _limit(memory: int) -> None:
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    for kind, wanted in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (allowed, hard))
