"""Store cases, predictions and reviews in SQLite or PostgreSQL.

Importing this package is cheap: SQLAlchemy and Alembic are loaded when a store is opened.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from leukoscope.app.settings import Settings
from leukoscope.app.store.errors import (
    ConflictError,
    NotFoundError,
    StoreError,
    UnavailableError,
)

if TYPE_CHECKING:
    from leukoscope.app.store.store import Store
    from leukoscope.inference.subject.model import SubjectModel

__all__ = [
    "ConflictError",
    "NotFoundError",
    "Store",
    "StoreError",
    "UnavailableError",
    "open_store",
]


def __getattr__(name: str) -> Any:
    """Import the class `Store` on first access."""
    if name == "Store":
        return import_module("leukoscope.app.store.store").Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def open_store(
    settings: Settings, subjects: "Mapping[str, SubjectModel | None] | None" = None
) -> "Store":
    """Open the store that a server's settings name, and migrate it if necessary.

    Args:
        settings: The settings.
        subjects: The model of subjects of each served model file, by its sha256.

    Raises:
        StoreError: The database cannot be used; the message says why, without any password.
        MissingExtraError: The driver of the database is not installed.
    """
    from leukoscope.app.store.location import database_url
    from leukoscope.app.store.store import Store

    store = Store(database_url(settings), settings.limits, subjects)
    store.open()
    return store
