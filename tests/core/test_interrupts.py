"""Ctrl-C as a process hears it: at a place that nothing can be raised in, and during a write."""

import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leukoscope.core.files import locked
from leukoscope.core.interrupts import deferred, repeated_when_dropped


@pytest.fixture(autouse=True)
def _as_in_a_program() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


def drop(callback: Callable[..., None]) -> None:
    """Call it where an exception can't be raised, as the end of a database session does."""

    class Thing:
        pass

    thing = Thing()
    reference = weakref.ref(thing, callback)
    del thing
    assert reference() is None


WAITS = """
import signal, sys, weakref
from leukoscope.core.files import locked
from leukoscope.core.interrupts import repeated_when_dropped
class Thing: pass
thing = Thing()
reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
try:
    with repeated_when_dropped():
        del thing
        with locked(sys.argv[1]):
            print("never")
except KeyboardInterrupt:
    print("heard")
"""


def test_one_that_python_drops_ends_a_wait_for_a_lock(tmp_path: Path) -> None:
    with locked(tmp_path / "held"):
        ended = subprocess.run(
            [sys.executable, "-c", WAITS, str(tmp_path / "held")],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert (ended.stdout, ended.stderr) == ("heard\n", "")


def test_it_comes_again_as_often_as_it_is_dropped() -> None:
    ended = []

    def drop_and_wait(_: object) -> None:
        try:
            drop(press)
            signal.pause()
        finally:
            ended.append(sys.exc_info()[0])

    with pytest.raises(KeyboardInterrupt), repeated_when_dropped():  # noqa: PT012
        drop(drop_and_wait)
        signal.pause()
    assert ended == [KeyboardInterrupt]


def test_what_else_python_drops_is_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[type] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: told.append(dropped.exc_type))

    def fails(_: object) -> None:
        raise ValueError

    with repeated_when_dropped():
        drop(fails)
    assert told == [ValueError]


def test_it_waits_for_the_end_of_a_write() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), deferred():  # noqa: PT012
        press()
        done.append("written")
    assert done == ["written"]
    with pytest.raises(KeyboardInterrupt):
        press()


def test_a_second_one_is_heard_at_once() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), deferred():  # noqa: PT012
        press()
        press()
        done.append("written")
    assert done == []


def test_it_is_heard_in_a_part_and_not_in_a_write_within_that() -> None:
    done = []
    with deferred() as waiting:
        with pytest.raises(KeyboardInterrupt), waiting.heard():  # noqa: PT012
            with deferred():
                press()
                done.append("inner")
            done.append("outer")
        done.append("cleared up")
    assert done == ["inner", "cleared up"]


def test_what_came_before_the_part_is_heard_as_it_begins() -> None:
    done = []
    with deferred() as waiting:
        press()
        with pytest.raises(KeyboardInterrupt), waiting.heard():
            done.append("begun")
    assert done == []


def test_where_it_is_ignored_it_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with repeated_when_dropped(), deferred() as waiting:
        press()
        with waiting.heard():
            press()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
