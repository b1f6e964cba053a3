"""Database errors as messages for the operator of the server. They never contain a password."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from leukoscope.app.store.errors import StoreError, UnavailableError

# PostgreSQL's own codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
# Connection lost, out of resources, locked, ended by an operator, system error.
TRANSIENT = ("08", "53", "55", "57", "58")
NO_SPACE = "53100"
NO_LOCK = "55P03"
NO_LOGIN = ("28P01", "28000")
NO_DATABASE = "3D000"
NO_PRIVILEGE = "42501"
NO_TABLE = ("42P01", "42703")  # or no column
NO_TABLE_SQLITE = ("no such table", "no such column")

NO_ANSWER = "the database does not answer; try again in a moment"
INCOMPLETE = (
    "the database lacks a table or column of Leukoscope; restore it from a backup, or name another "
    "database"
)
BUSY = "the database is busy; try again in a moment"
DAMAGED = "the database is damaged; restore a copy of it, or move it away"


@contextmanager
def open_errors(url: URL) -> Iterator[None]:
    """Turn errors while a database is opened into a StoreError with one line.

    Raises:
        StoreError: Instead of an OSError or an error of SQLAlchemy or its drivers.
    """
    try:
        yield
    except (
        SQLAlchemyError,
        sqlite3.Error,
        OSError,
        TypeError,
        UnicodeDecodeError,  # of a damaged name of a table
    ) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        explain = _sqlite if url.get_backend_name() == "sqlite" else _postgresql
        if _lacks_table(cause):
            raise StoreError(f"{display_name(url)}: {INCOMPLETE}.") from None
        raise StoreError(explain(url, cause)) from None


@contextmanager
def damaged_values() -> Iterator[None]:
    """Turn values that cannot be what was stored, such as half a date, into an UnavailableError.

    Raises:
        UnavailableError: Instead of a ValueError.
    """
    try:
        yield
    except ValueError as error:
        raise UnavailableError(DAMAGED) from error


@contextmanager
def use_errors() -> Iterator[None]:
    """Turn errors while an open database is used into an UnavailableError with one line.

    Raises:
        UnavailableError: Instead of a transient error, or one that the operator can fix. Errors of
            the program are not changed.
    """
    try:
        yield
    except PoolTimeoutError as error:
        raise UnavailableError(BUSY) from error
    except OSError as error:
        raise UnavailableError(NO_ANSWER) from error
    except UnicodeDecodeError as error:  # SQLite does not check what it has stored
        raise UnavailableError(DAMAGED) from error
    except DBAPIError as error:
        line = _transient(error)
        if line is None:
            raise
        raise UnavailableError(line) from error


def _transient(error: DBAPIError) -> str | None:
    cause, code = str(error.orig), _code(error.orig)
    if _lacks_table(error.orig):
        return INCOMPLETE
    if "malformed" in cause or "not a database" in cause or "decode to UTF-8" in cause:
        return DAMAGED
    if "disk is full" in cause or code == NO_SPACE:
        return "the disk of the database is full; free some space, then try again"
    if "locked" in cause or code == NO_LOCK:
        return BUSY
    if "readonly" in cause:
        return "the database can no longer be written; check the permissions of its file"
    if error.connection_invalidated or code[:2] in TRANSIENT or isinstance(error, InterfaceError):
        return NO_ANSWER
    return NO_ANSWER if isinstance(error.orig, sqlite3.OperationalError) else None


def _lacks_table(cause: Any) -> bool:
    is_sqlite = isinstance(cause, sqlite3.OperationalError)
    return _code(cause) in NO_TABLE or (
        is_sqlite and any(words in str(cause) for words in NO_TABLE_SQLITE)
    )


def _code(cause: Any) -> str:
    """The error code, if it is an error of PostgreSQL."""
    fields = cause.args[0] if getattr(cause, "args", ()) else ""
    return str(fields.get("C", "")) if isinstance(fields, dict) else ""


def display_name(url: URL) -> str:
    """The name of a database for messages, without user name and password."""
    if url.get_backend_name() == "sqlite":
        return url.database or "memory"
    place = f"{url.host or 'localhost'}:{url.port or 5432}"
    return f"PostgreSQL at {place}, database {url.database!r}"


def _sqlite(url: URL, cause: Any) -> str:
    name = display_name(url)
    reason = cause.strerror if isinstance(cause, OSError) else str(cause)
    text = reason or "it cannot be opened"
    if isinstance(cause, UnicodeDecodeError) or "not a database" in text or "malformed" in text:
        return (
            f"{name}: not a SQLite database, or damaged. Name another file, or move this one away."
        )
    if "locked" in text:
        return f"{name}: another program has locked this database; end it, then try again."
    return (
        f"{name}: cases cannot be stored here ({text}). Name another place with --database "
        "sqlite:///FILE, or store nothing with --ephemeral."
    )


def _postgresql(url: URL, cause: Any) -> str:
    name, user, code = display_name(url), url.username, _code(cause)
    if code in NO_LOGIN:
        return f"{name} refuses the user {user!r}; check user name and password in the URL."
    if code == NO_DATABASE:
        return f"{name} does not exist; create it with createdb, or name another."
    if code == NO_PRIVILEGE:
        return f"{name}: the user {user!r} may not create tables here; grant CREATE."
    if code:
        return f"{name} cannot be used ({cause.args[0].get('M', f'code {code}')})."
    if isinstance(cause, TypeError):
        return f"{name}: the URL has an option that the driver pg8000 does not know."
    if isinstance(cause, SSLCertVerificationError):
        return f"{name} has a certificate that is not trusted ({cause.verify_message})."
    if "refuses SSL" in str(cause):
        return f"{name} does not support encryption, but sslmode in the URL requires it."
    return f"{name} does not answer; check host and port, and that the server is running."
