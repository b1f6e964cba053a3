"""A database in memory has one connection, and whoever wants it gets it in turn.

The locks of Python and the pools of SQLAlchemy wake whoever waits, and let another that comes by be
quicker: readers in a row would keep a writer waiting until it gives up.
"""

from collections import deque
from threading import Event, Lock
from typing import Any

from sqlalchemy import QueuePool
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry


class FairLock:
    """A lock that is handed to those who wait in the order in which they came."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._waiting: deque[Event] = deque()
        self._taken = False

    def take(self, seconds: float) -> bool:
        """Wait for one's turn; whether it came in this time."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = Event()
            self._waiting.append(mine)
        if mine.wait(seconds):
            return True
        with self._guard:
            if mine.is_set():  # it came just now
                return True
            self._waiting.remove(mine)
            return False

    def give(self) -> None:
        """Hand it to who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


class FairPool(QueuePool):
    """A pool of one connection, lent in turn."""

    # Under the name of this package its life would stand in the log of the server.
    _sqla_logger_namespace = "sqlalchemy.pool.FairPool"

    def __init__(self, creator: Any, **options: Any) -> None:
        super().__init__(creator, **(options | {"pool_size": 1, "max_overflow": 0}))
        self._turns = FairLock()

    def _do_get(self) -> ConnectionPoolEntry:
        if not self._turns.take(self._timeout):
            raise PoolTimeoutError(f"no turn in {self._timeout:g} s")
        try:
            return super()._do_get()
        except BaseException:
            self._turns.give()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        try:
            super()._do_return_conn(record)
        finally:
            self._turns.give()
