"""What a database's errors mean to the person who started the server. No password is ever shown."""

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
PASSING = ("08", "53", "55", "57", "58")
NO_SPACE = "53100"
NO_LOCK = "55P03"
NO_LOGIN = ("28P01", "28000")
NO_DATABASE = "3D000"
NO_PRIVILEGE = "42501"

SILENT = "the database does not answer; try again in a moment"
BUSY = "the database is busy with something long; try again in a moment"


@contextmanager
def opening(url: URL) -> Iterator[None]:
    """Turn what fails while a database is opened into one line.

    Raises:
        StoreError: In the place of an OSError or an error of SQLAlchemy or its drivers.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, TypeError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        explain = _sqlite if url.get_backend_name() == "sqlite" else _postgresql
        raise StoreError(explain(url, cause)) from None


@contextmanager
def using() -> Iterator[None]:
    """Turn what fails while an open database is used into one line.

    Raises:
        UnavailableError: In the place of an error that will pass, or that an operator can mend. A
            mistake of the program stays what it is.
    """
    try:
        yield
    except PoolTimeoutError as error:
        raise UnavailableError(BUSY) from error
    except OSError as error:
        raise UnavailableError(SILENT) from error
    except DBAPIError as error:
        line = _passing(error)
        if line is None:
            raise
        raise UnavailableError(line) from error


def _passing(error: DBAPIError) -> str | None:
    cause, code = str(error.orig), _code(error.orig)
    if "disk is full" in cause or code == NO_SPACE:
        return "the disk of the database is full; make room, then try again"
    if "locked" in cause or code == NO_LOCK:
        return BUSY
    if "readonly" in cause:
        return "the database can no longer be written; look at the permissions of its file"
    if error.connection_invalidated or code[:2] in PASSING or isinstance(error, InterfaceError):
        return SILENT
    return SILENT if isinstance(error.orig, sqlite3.OperationalError) else None


def _code(cause: Any) -> str:
    """PostgreSQL's code of an error, where it is one of PostgreSQL's."""
    told = cause.args[0] if getattr(cause, "args", ()) else ""
    return str(told.get("C", "")) if isinstance(told, dict) else ""


def shown(url: URL) -> str:
    """The place of a database, without user name and password."""
    if url.get_backend_name() == "sqlite":
        return url.database or "memory"
    place = f"{url.host or 'localhost'}:{url.port or 5432}"
    return f"PostgreSQL at {place}, database {url.database!r}"


def _no_file(url: URL, why: str) -> str:
    return (
        f"{shown(url)}: cases cannot be kept here ({why}). Name another place with --database "
        "sqlite:///FILE, or keep nothing with --ephemeral."
    )


def _sqlite(url: URL, cause: Any) -> str:
    reason = cause.strerror if isinstance(cause, OSError) else str(cause)
    text = reason or "it cannot be opened"
    if "not a database" in text or "malformed" in text:
        return (
            f"{shown(url)}: this file is no SQLite database, or damaged. Name another, or move it "
            "away."
        )
    if "locked" in text:
        return f"{shown(url)}: another program holds this database; end it, then try again."
    return _no_file(url, text)


def _postgresql(url: URL, cause: Any) -> str:
    code = _code(cause)
    if code in NO_LOGIN:
        return (
            f"{shown(url)} refuses the user {url.username!r}; check the name and the password in "
            "the URL."
        )
    if code == NO_DATABASE:
        return f"{shown(url)} does not exist; make it with createdb, or name another."
    if code == NO_PRIVILEGE:
        return f"{shown(url)}: the user {url.username!r} may not make tables here; grant CREATE."
    if code:
        return f"{shown(url)} cannot be used ({cause.args[0].get('M', f'code {code}')})."
    if isinstance(cause, TypeError):
        return f"{shown(url)}: the URL has an option that the driver pg8000 does not know."
    if isinstance(cause, SSLCertVerificationError):
        return f"{shown(url)} shows a certificate that is not trusted ({cause.verify_message})."
    if "refuses SSL" in str(cause):
        return f"{shown(url)} offers no encryption, and the URL's sslmode asks for it."
    return f"{shown(url)} does not answer; check host and port, and that it runs."
