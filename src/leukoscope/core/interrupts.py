"""Ctrl-C that is neither lost nor raised in the middle of a write.

Python raises KeyboardInterrupt wherever the main thread happens to be. Within a finalizer or the
callback of a weak reference, of which imports and database sessions run many, nothing can be
raised: the interpreter prints it, drops it, and continues as if no key had been pressed. And within
a transaction it leaves a session of no further use, even for noting that the work was stopped.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN = 0.05  # seconds until one that was dropped comes again

Handler = Callable[[int, FrameType | None], Any]


def was_interrupted(error: BaseException | None) -> bool:
    """True if an error was raised because of Ctrl-C, by code that turned it into something else."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def repeated_when_dropped() -> Iterator[None]:
    """Send Ctrl-C again where Python dropped it, until it is raised where it can be.

    Windows has no timer signal. There a dropped Ctrl-C has to be pressed again.
    """
    if _own_handler() is None or not hasattr(signal, "SIGALRM"):
        yield
        return
    hook_before = sys.unraisablehook

    def hook(dropped: "UnraisableHookArgs") -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, AGAIN)  # it also ends a wait for a lock
        else:
            hook_before(dropped)

    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = hook_before
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Deferred:
    """A block in which Ctrl-C waits; see `deferred`."""

    def __init__(self, handler: Handler | None) -> None:
        self._handler = handler
        self._noted: tuple[int, FrameType | None] | None = None
        self._open = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear it at once, also what came before."""
        self._open = True
        try:
            self.tell()
            yield
        finally:
            self._open = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; a second one is heard, for what is waited for may never end."""
        urgent = self._open or self._noted is not None
        self._noted = (number, frame)
        if urgent:
            self.tell()

    def tell(self) -> None:
        """Hand on what was noted, if anything was."""
        noted, self._noted = self._noted, None
        if noted and self._handler:
            self._handler(*noted)


@contextmanager
def deferred() -> Iterator[Deferred]:
    """Let Ctrl-C wait for the end of the block, or for a part of it in which it may be heard.

    Where signals are not heard anyway, in another thread or because they are ignored, it changes
    nothing.
    """
    handler = _own_handler()
    waits = Deferred(handler)
    if handler is None:
        yield waits
        return
    signal.signal(signal.SIGINT, waits.note)
    try:
        yield waits
    finally:
        signal.signal(signal.SIGINT, handler)
        waits.tell()


def _own_handler() -> Handler | None:
    """Python's handler of Ctrl-C; None if this thread or process does not receive it."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        return None
    return handler
