"""Databases named by URL: which driver speaks to one, and how its connection is encrypted.

The app keeps cases in them, and tuning keeps studies.
"""

import ssl
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from leukoscope.core.errors import DatabaseError

DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+pg8000",
    "postgresql": "postgresql+pg8000",
    "postgresql+pg8000": "postgresql+pg8000",
}
# What libpq's `sslmode`, which hosts of databases write into their URLs, is to pg8000.
ENCRYPTION: dict[Any, Any] = {"disable": False, "prefer": None, "require": True}
VERIFIED = "verify-full"
HOW_TO_NAME = "write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


def parse_url(text: str) -> URL:
    """Read a database URL and choose the driver.

    Raises:
        DatabaseError: It is no URL, of a database that is not supported, or asks for an encryption
            that there is not. The text is not repeated, for it may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseError(f"the database is not named by a URL; {HOW_TO_NAME}") from None
    driver = DRIVERS.get(url.drivername)
    if driver is None:
        raise DatabaseError(f"{url.drivername!r} databases are not supported; {HOW_TO_NAME}")
    mode = url.query.get("sslmode", "prefer")
    if driver != "sqlite" and mode not in (*ENCRYPTION, VERIFIED):
        raise DatabaseError(
            f"the URL's sslmode {mode!r} is not known; use {', '.join(ENCRYPTION)} or {VERIFIED}"
        )
    return url.set(drivername=driver)


def postgresql_arguments(url: URL) -> tuple[URL, dict[str, Any]]:
    """The address for the driver, and its arguments.

    Args:
        url: From `parse_url`, of PostgreSQL.
    """
    mode = url.query.get("sslmode", "prefer")
    context = ssl.create_default_context() if mode == VERIFIED else ENCRYPTION[mode]
    arguments = {"application_name": "leukoscope", "ssl_context": context}
    return url.difference_update_query(["sslmode"]), arguments
