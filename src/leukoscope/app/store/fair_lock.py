"""A first-in, first-out lock, and a pool that lends a single connection by it.

The locks of Python and the pools of SQLAlchemy are not fair: a thread that arrives later can be
faster than one that waits, so a row of readers would keep a writer waiting until it times out.
"""

from collections import deque
from threading import Event, Lock
from typing import Any

from sqlalchemy import QueuePool
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry


class FairLock:
    """A lock that waiting threads get in the order of their arrival."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._waiting: deque[Event] = deque()
        self._taken = False

    def acquire(self, seconds: float) -> bool:
        """Wait up to `seconds` for the lock; False if that was not enough."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            turn = Event()
            self._waiting.append(turn)
        if turn.wait(seconds):
            return True
        with self._guard:
            if turn.is_set():  # it came just now
                return True
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        """Pass the lock to the thread that has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


class FairPool(QueuePool):
    """A pool of one connection, lent in order of arrival."""

    # With a logger of this package, its messages would appear in the log of the server.
    _sqla_logger_namespace = "sqlalchemy.pool.FairPool"

    def __init__(self, creator: Any, **options: Any) -> None:
        super().__init__(creator, **(options | {"pool_size": 1, "max_overflow": 0}))
        self._lock = FairLock()

    def _do_get(self) -> ConnectionPoolEntry:
        if not self._lock.acquire(self._timeout):
            raise PoolTimeoutError(f"no turn in {self._timeout:g} s")
        try:
            return super()._do_get()
        except BaseException:
            self._lock.release()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        try:
            super()._do_return_conn(record)
        finally:
            self._lock.release()
