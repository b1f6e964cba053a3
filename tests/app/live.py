"""Real servers for tests: the command line in a process of its own, on a free port."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from fastapi import FastAPI

from leukoscope.app.process import address, bind, uvicorn_config
from tests.forked import Process, spawn

Start = Callable[..., Process]
PATIENCE = 300  # seconds for what must come, also on a machine that is busy


@dataclass
class Live:
    """A running server. `log` is what it has written to standard error so far."""

    process: Process
    url: str = ""
    log: list[str] = field(default_factory=list)

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, **options)

    def text(self) -> str:
        return "".join(self.log)

    def wait_ready(self, headers: dict[str, bytes] | None = None) -> None:
        """Wait until model and database are ready, as a load balancer would."""
        with self.client(headers=headers) as client:
            until(lambda: self._is_ready(client))

    def _is_ready(self, client: httpx.Client) -> bool:
        assert self.process.poll() is None, self.text()
        return client.get("/readyz").status_code == 200

    def stop(self) -> int:
        """Ask it to end, and wait; returns the exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def launch(
    *options: str,
    env: dict[str, str] | None = None,
    files: int | None = None,
    start: Start = spawn,
) -> Live:
    """`leukoscope serve --port 0 OPTIONS`, as soon as it listens.

    `env` replaces ours, `files` is the number of file descriptors that it may use, and `start` is
    one of `tests.forked`.
    """
    process = start("serve", "--port", "0", "--no-open", *options, env=env, files=files)
    live = Live(process)
    listening = threading.Event()

    def read() -> None:
        for line in process.stderr or ():
            live.log.append(line)
            found = re.search(r"http://\S+", line)
            if found and not live.url:
                live.url = found[0]
                listening.set()
        listening.set()

    def drop() -> None:
        for _ in process.stdout or ():
            pass

    for work in (read, drop):
        threading.Thread(target=work, daemon=True).start()
    try:
        assert listening.wait(PATIENCE), "the server said nothing"
        assert live.url, f"the server did not start: {live.text()}"
    except AssertionError:
        process.kill()
        raise
    return live


@contextmanager
def running(
    *options: str,
    env: dict[str, str] | None = None,
    token: str = "",
    files: int | None = None,
    start: Start = spawn,
) -> Iterator[Live]:
    """A server that is ready, and ended afterwards. `token`: where the environment sets one."""
    live = launch(*options, env=env, files=files, start=start)
    if "--token" in options:
        token = options[options.index("--token") + 1]
    try:
        live.wait_ready({"Authorization": b"Bearer " + token.encode()} if token else None)
        yield live
    finally:
        if live.process.poll() is None:
            live.stop()


class Inside:
    """An app served from a thread of this process until `stop`."""

    def __init__(self, app: FastAPI, port: int = 0) -> None:
        self._listener = bind("127.0.0.1", port)
        self._server = uvicorn.Server(uvicorn_config(app, app.state.services.settings.limits))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))
        self._thread.start()
        self.url = address(self._listener)

    def wait_ready(self) -> None:
        """Wait until model and database are ready."""
        with httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False) as client:
            until(lambda: client.get("/readyz").status_code == 200)

    def stop(self) -> None:
        """End it, as a signal would, and wait."""
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._listener.close()


@contextmanager
def in_thread(app: FastAPI) -> Iterator[str]:
    """The URL of an app served from a thread of this process, for limits of one's own."""
    inside = Inside(app)
    try:
        yield inside.url
    finally:
        inside.stop()


class Held:
    """Makes the workers of an app wait until `gate` is set, after so many batches that are free."""

    def __init__(self, free: int = 0) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.batches: list[int] = []
        self.free = free

    def __call__(self, app: FastAPI) -> None:
        batcher = app.state.services.batcher
        work = batcher._work

        def wait(tasks: Sequence[object]) -> object:
            self.batches.append(len(tasks))
            self.begun.set()
            assert len(self.batches) <= self.free or self.gate.wait(PATIENCE)
            return work(tasks)

        batcher._work = wait


def metric(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
