"""Where a study is kept: a SQLite file, a PostgreSQL server, or a journal; open to many at once."""

import sqlite3
import time
import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import URL, Connection, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from leukoscope.core import databases
from leukoscope.core.errors import TuningError, missing_extra

JOURNAL = "journal:"
BUSY_SECONDS = 60  # a writer of a SQLite file waits so long for the others
ATTEMPTS = 5  # workers that begin at the same moment run into each other while tables are made
OURS = {"studies", "version_info"}  # tables of Optuna's


def shown(place: str) -> str:
    """A storage as it may be printed, without a password."""
    if place.startswith(JOURNAL):
        return place
    return databases.parse_url(place).render_as_string(hide_password=True)


def open_storage(place: str) -> BaseStorage:
    """Open a storage, and make what is missing in it.

    Args:
        place: "journal:PATH", or the URL of a database.

    Raises:
        DatabaseError: It is not the URL of a database that can be used.
        TuningError: It cannot be opened, or holds something else.
        MissingExtraError: The driver of PostgreSQL is not installed.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if place.startswith(JOURNAL):
        return _journal(Path(place.removeprefix(JOURNAL)))
    url = databases.parse_url(place)
    is_file = url.get_backend_name() == "sqlite"
    if is_file and url.database in (None, "", ":memory:"):
        raise TuningError(f"{place}: a study in memory would be lost; name a file: sqlite:///FILE")
    try:
        return _patiently(url, is_file)
    except ModuleNotFoundError as error:
        raise missing_extra("A study in PostgreSQL", error) from error
    except (SQLAlchemyError, OSError, RuntimeError) as error:  # Optuna's own are of these
        told = error.orig if isinstance(error, DBAPIError) else error
        reason = " ".join(str(told).split())[:200]
        raise TuningError(f"{shown(place)}: no study can be kept here ({reason}).") from None


def _journal(path: Path) -> JournalStorage:
    path.expanduser().parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path.expanduser())))


def _patiently(url: URL, is_file: bool) -> RDBStorage:
    for attempt in range(ATTEMPTS):
        try:
            return _sqlite(url) if is_file else _postgresql(url)
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError):
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.1 * 2**attempt)
    raise AssertionError


def _sqlite(url: URL) -> RDBStorage:
    storage = _opened(url, {"timeout": BUSY_SECONDS})
    # A transaction that reads first and writes later fails where another wrote in between, and two
    # workers could take one trial; so each has the file to itself from its start.
    event.listen(storage.engine, "connect", _leave_transactions_to_us)
    event.listen(storage.engine, "begin", _begin_at_once)
    storage.engine.dispose()
    connection = storage.engine.raw_connection()  # outside transactions; the file remembers it
    connection.cursor().execute("PRAGMA journal_mode = WAL").fetchall()
    connection.close()
    return storage


def _postgresql(url: URL) -> RDBStorage:
    return _opened(*databases.postgresql_arguments(url), pool_pre_ping=True)


def _opened(url: URL, arguments: dict[str, Any], **more: Any) -> RDBStorage:
    options = {"connect_args": arguments, "hide_parameters": True, **more}
    engine = create_engine(url, **options)
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    if tables and not tables & OURS:
        raise TuningError(
            f"{url.render_as_string(hide_password=True)}: holds something else (the table "
            f"{min(tables)!r}); give studies a database of their own."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RDBStorage(url.render_as_string(hide_password=False), options)


def _leave_transactions_to_us(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = NORMAL")  # a commit outlives the process, and is quick


def _begin_at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
