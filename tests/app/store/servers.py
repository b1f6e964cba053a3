"""Servers of a store in processes of their own, which share the time of importing the program."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from tests.app.live import PATIENCE
from tests.app.store.made import add, answer, new_case, open_store

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__, "alembic.command"])

Work = Callable[..., None]


class Server:
    """A process forked from one that has only imported; it has said that it is ready."""

    def __init__(self, work: Work, *arguments: str) -> None:
        self.line, there = CONTEXT.Pipe()
        self.process: BaseProcess = CONTEXT.Process(target=work, args=(there, *arguments))
        self.process.start()
        there.close()
        assert self.told() == "ready"

    def go(self) -> None:
        """Let it work."""
        self.line.send("go")

    def told(self) -> str:
        """Wait for what it says next."""
        assert self.line.poll(PATIENCE)
        return str(self.line.recv())

    def kill(self) -> None:
        """End it at once, wherever it is."""
        self.process.kill()
        self.process.join(PATIENCE)


def adder(line: Connection, url: str, case: str) -> None:
    """Add 80 cells, in 40 additions."""
    store = open_store(url)
    line.send("ready")
    line.recv()
    for number in range(40):
        add(store, case, answer(number), answer(1000 + number), data=b"x")
    line.send("done")


def opener(line: Connection, url: str) -> None:
    """Open a database, which may be empty, and make a case."""
    line.send("ready")
    line.recv()
    new_case(open_store(url))
    line.send("done")


def half_way(line: Connection, url: str, case: str) -> None:
    """Stop in the middle of an addition."""
    from leukoscope.app.store import writing

    store, touch = open_store(url), writing._touch

    def stuck(*arguments: object) -> None:
        touch(*arguments)  # type: ignore[arg-type]
        line.send("ready")
        line.recv()

    writing._touch = stuck
    add(store, case, *map(answer, range(50)), data=b"y" * 100_000)
