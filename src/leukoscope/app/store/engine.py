"""From a database URL to two SQLAlchemy engines over one pool: one that reads, one that writes.

Reading transactions see one moment of the database from start to end. Writing ones wait for each
other from their start on: in SQLite all of them, in PostgreSQL those of one case, which lock its
row (`cases.locked`). So nothing is ever half read, and no two writers can run into each other.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from leukoscope.app.store.errors import StoreError
from leukoscope.app.store.fair_lock import FairPool
from leukoscope.app.store.location import prepare_file
from leukoscope.core import databases
from leukoscope.core.errors import DatabaseError, missing_extra

WRITES = "leukoscope_writes"
BUSY_MILLISECONDS = 30_000
OPTIONS = {"hide_parameters": True}  # errors are logged, and names of files are nobody's business


@dataclass(frozen=True)
class Engines:
    """Two ways into one pool of connections."""

    reading: Engine
    writing: Engine

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file or memory of this process."""
        return self.reading.dialect.name == "sqlite"


def parse_url(text: str) -> URL:
    """Read a database URL and choose the driver; see `databases.parse_url`.

    Raises:
        StoreError: It is no URL of a database that can be used.
    """
    try:
        return databases.parse_url(text)
    except DatabaseError as error:
        raise StoreError(str(error)) from None


def make_engines(url: URL) -> Engines:
    """The engines for a URL from `parse_url`; nothing is connected yet, but a file is made.

    Raises:
        OSError: The file of a SQLite database cannot be made.
        MissingExtraError: The driver is not installed.
    """
    engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
    return Engines(engine, engine.execution_options(**{WRITES: True}))


def prepare(engines: Engines) -> None:
    """Let readers and a writer of a SQLite file work at the same time; the file remembers it."""
    if engines.is_sqlite:
        with _outside_transactions(engines) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL").fetchall()


def vacuum(engines: Engines) -> None:
    """Give back the space of what was deleted, and empty the log that still has its bytes.

    Where somebody else is reading just now, the next time or the end of the last process does it.
    """
    if not engines.is_sqlite:
        return
    with _outside_transactions(engines) as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
        with suppress(sqlite3.OperationalError):
            # A page a step, and only a script is stepped to its end.
            cursor.executescript("PRAGMA incremental_vacuum")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")


@contextmanager
def _outside_transactions(engines: Engines) -> Iterator[Any]:
    connection = engines.writing.raw_connection()
    try:
        yield connection.cursor()
    finally:
        connection.close()


def _sqlite(url: URL) -> Engine:
    name = url.database or ":memory:"
    options: dict[str, Any] = {}
    if name == ":memory:":
        # The database lives as long as its connection: one, lent to one thread at a time.
        options = {"poolclass": FairPool}
    elif not name.startswith("file:"):
        path = Path(name).expanduser().absolute()
        prepare_file(path)
        url = url.set(database=str(path))
    engine = create_engine(url, connect_args={"check_same_thread": False}, **OPTIONS, **options)
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # this module says when a transaction begins
    for pragma in (
        f"busy_timeout = {BUSY_MILLISECONDS}",
        "auto_vacuum = INCREMENTAL",  # heeded while the file is empty
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    # A transaction that reads first and writes later would fail where another wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    url, arguments = databases.postgresql_arguments(url)
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args=arguments, **OPTIONS)
    except ImportError as error:
        raise missing_extra("A PostgreSQL database", error) from error
    event.listen(engine, "begin", _on_postgresql_begin)
    # A connection found dead is replaced; that it could not be closed in form is no news.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    return engine


def _on_postgresql_begin(connection: Connection) -> None:
    if not connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
