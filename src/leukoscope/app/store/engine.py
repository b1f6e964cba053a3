"""Create two SQLAlchemy engines over one pool of connections: one for reading, one for writing.

A reading transaction sees one snapshot of the database. Writing transactions are serialized from
their start: all of them in SQLite, those of one case in PostgreSQL, which lock its row
(`writing._locked`). So no reader sees a partial change, and two writers never conflict.
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
OPTIONS = {"hide_parameters": True}  # errors are logged, and file names must not be


@dataclass(frozen=True)
class Engines:
    """Two engines over one pool of connections."""

    reading: Engine
    writing: Engine

    @property
    def is_sqlite(self) -> bool:
        """True if the database is a file, or memory of this process."""
        return self.reading.dialect.name == "sqlite"


def parse_url(text: str) -> URL:
    """Read a database URL and choose the driver; see `databases.parse_url`.

    Raises:
        StoreError: The URL is invalid or names an unsupported database.
    """
    try:
        return databases.parse_url(text)
    except DatabaseError as error:
        raise StoreError(str(error)) from None


def make_engines(url: URL) -> Engines:
    """Create the engines for a URL from `parse_url`. Only the file of SQLite is created now.

    Raises:
        OSError: The file of a SQLite database cannot be created.
        MissingExtraError: The driver is not installed.
    """
    engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
    return Engines(engine, engine.execution_options(**{WRITES: True}))


def prepare(engines: Engines) -> None:
    """Set a SQLite file to write-ahead logging, so that readers and a writer do not block."""
    if engines.is_sqlite:
        with _outside_transactions(engines) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL").fetchall()


def vacuum(engines: Engines) -> None:
    """Free the space of deleted rows, and truncate the log that still contains their bytes.

    If another connection is reading now, the next call or the end of the last process does it.
    """
    if not engines.is_sqlite:
        return
    with _outside_transactions(engines) as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
        with suppress(sqlite3.OperationalError):
            # It frees one page per step, and only a script is stepped to its end.
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
        # The database lives as long as its only connection, which one thread uses at a time.
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
    connection.isolation_level = None  # transactions are begun below
    for pragma in (
        f"busy_timeout = {BUSY_MILLISECONDS}",
        "auto_vacuum = INCREMENTAL",  # has an effect only while the file is empty
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    # A transaction that reads first and writes later would fail if another wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    url, arguments = databases.postgresql_arguments(url)
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args=arguments, **OPTIONS)
    except ImportError as error:
        raise missing_extra("A PostgreSQL database", error) from error
    event.listen(engine, "begin", _on_postgresql_begin)
    # A dead connection is replaced; that it could not be closed properly need not be logged.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    return engine


def _on_postgresql_begin(connection: Connection) -> None:
    if not connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
