"""`leukoscope` in processes that are forked from one that has imported what the command needs.

Such a process is a real one: it has its own memory, signals, descriptors, environment and exit
code. Only the start of Python and the imports, which take longer than most commands, are shared.
Tests whose subject is the start use `subprocess`, and so does everything on systems but Linux.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from importlib import import_module
from typing import IO, Any, Protocol

from tests.root import ROOT

COMMAND = [sys.executable, "-m", "leukoscope"]
MODULES = {
    "serve": (
        "leukoscope.api.serve",
        "leukoscope.app.process",
        "leukoscope.app.server",
        "leukoscope.app.predicting.examples",
        "leukoscope.app.store.store",
        "alembic.command",
        "anyio._backends._asyncio",
        "onnxruntime",
        "psycopg",
        "sqlite3",
        "uvicorn.lifespan.on",
        "uvicorn.loops.asyncio",
    ),
    "tune": (
        "leukoscope.api.tune",
        "leukoscope.training.tuning.page",
        "leukoscope.training.tuning.plots",
        "leukoscope.training.tuning.worker",
        "leukoscope.training.tuning.workers",
        "alembic.command",
        "matplotlib.backends.backend_agg",
        "sklearn.linear_model",
        "sklearn.metrics",
    ),
}
LONGEST = 1 << 20  # bytes of a request


class Process(Protocol):
    """The part of `subprocess.Popen[str]` that tests use."""

    pid: int
    stdout: IO[str] | None
    stderr: IO[str] | None

    @property
    def returncode(self) -> Any: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def communicate(self, input: None = None, timeout: float | None = None) -> tuple[str, str]: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def start(
    command: str, *options: str, env: Mapping[str, str] | None = None, files: int | None = None
) -> Process:
    """Start `leukoscope COMMAND OPTIONS`, with pipes for what it prints.

    Args:
        command: One of `MODULES`.
        options: Its options.
        env: Replaces our environment.
        files: The number of file descriptors that it may use.
    """
    if sys.platform != "linux":
        return spawn(command, *options, env=env, files=files)
    with _LOCK:
        if command not in _PARENTS:
            _PARENTS[command] = _Parent(MODULES[command])
        return _PARENTS[command].start([command, *options], env or os.environ, files)


def spawn(
    *words: str, env: Mapping[str, str] | None = None, files: int | None = None
) -> "subprocess.Popen[str]":
    """The same as `start`, from the start of Python on."""
    return subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        preexec_fn=(lambda: _limit(files)) if files else None,
    )


class _Forked:
    """A forked process; see `Process`."""

    def __init__(self, parent: "_Parent", pid: int, stdout: IO[str], stderr: IO[str]) -> None:
        self.pid, self.stdout, self.stderr = pid, stdout, stderr
        self._parent = parent

    @property
    def returncode(self) -> int | None:
        return self._parent.ended.get(self.pid)

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        with self._parent.changed:
            if not self._parent.changed.wait_for(lambda: self.returncode is not None, timeout):
                raise subprocess.TimeoutExpired(COMMAND, timeout or 0)
        code = self.returncode
        assert code is not None
        return code

    def communicate(self, input: None = None, timeout: float | None = None) -> tuple[str, str]:
        texts = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            with contextlib.suppress(ValueError):  # it was closed before
                texts[number] = stream.read()

        readers = [
            threading.Thread(target=read, args=pair, daemon=True)
            for pair in enumerate((self.stdout, self.stderr))
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader, stream in zip(readers, (self.stdout, self.stderr), strict=True):
            reader.join(timeout)
            stream.close()
        return texts[0], texts[1]

    def send_signal(self, sig: int) -> None:
        # As with `Popen`: it may have ended before we are told so.
        with contextlib.suppress(ProcessLookupError):
            if self.returncode is None:
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Parent:
    """The process that forks, seen from here."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.ended: dict[int, int] = {}
        self.changed = threading.Condition()
        self._begun: list[int] = []
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(theirs.fileno()), *modules],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        threading.Thread(target=self._listen, daemon=True).start()
        atexit.register(self._stop)

    def start(self, words: list[str], env: Mapping[str, str], files: int | None) -> _Forked:
        request = {"words": words, "env": dict(env), "cwd": os.getcwd(), "files": files}
        out, err = os.pipe(), os.pipe()
        socket.send_fds(self._socket, [json.dumps(request).encode()], [out[1], err[1]])
        os.close(out[1])
        os.close(err[1])
        with self.changed:
            assert self.changed.wait_for(lambda: self._begun, 300), "no process was forked"
            pid = self._begun.pop()
        return _Forked(self, pid, os.fdopen(out[0]), os.fdopen(err[0]))

    def _listen(self) -> None:
        while told := self._socket.recv(LONGEST):
            pid, code = json.loads(told)
            with self.changed:
                if code is None:
                    self.ended.pop(pid, None)
                    self._begun.append(pid)
                else:
                    self.ended[pid] = code
                self.changed.notify_all()

    def _stop(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)
        self._process.wait(60)


_PARENTS: dict[str, _Parent] = {}
_LOCK = threading.Lock()


def _limit(files: int | None) -> None:
    import resource

    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def _fork_on_request(orders: socket.socket) -> list[str]:
    """Fork until the other side closes; returns in each child, with the words of its command."""
    woken, waking = os.pipe()
    for one in (woken, waking):
        os.set_blocking(one, False)
    signal.set_wakeup_fd(waking)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready = select.select([orders, woken], [], [])[0]
        if woken in ready:
            os.read(woken, 1000)
            _tell_ended(orders)
        if orders not in ready:
            continue
        message, descriptors, *_ = socket.recv_fds(orders, LONGEST, 2)
        if not message:
            sys.exit(0)
        child = os.fork()
        if child:
            orders.send(json.dumps([child, None]).encode())
            for one in descriptors:
                os.close(one)
            continue
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        orders.close()
        os.close(woken)
        os.close(waking)
        return _become(json.loads(message), descriptors)


def _tell_ended(orders: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            orders.send(json.dumps([pid, os.waitstatus_to_exitcode(status)]).encode())


def _become(request: dict[str, Any], descriptors: list[int]) -> list[str]:
    for number, one in enumerate(descriptors, 1):
        os.dup2(one, number)
        os.close(one)
    # The old ones were made for files of another kind.
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    _limit(request["files"])
    words: list[str] = request["words"]
    return words


if __name__ == "__main__":
    from leukoscope.__main__ import run

    import_module("leukoscope.cli.main")
    for module in sys.argv[2:]:
        with contextlib.suppress(ImportError):  # of an extra that is not installed
            import_module(module)
    sys.argv[1:] = _fork_on_request(socket.socket(fileno=int(sys.argv[1])))
    run()
