"""Where cases are kept: the user's own file, memory, or a PostgreSQL server."""

import os
import sys
from pathlib import Path

from leukoscope.app.settings import Settings

FILE_NAME = "cases.sqlite3"
IN_MEMORY = "sqlite://"


def database_url(settings: Settings) -> str:
    """The SQLAlchemy URL for a server's settings."""
    if settings.ephemeral:
        return IN_MEMORY
    return settings.database or f"sqlite:///{data_folder() / FILE_NAME}"


def data_folder() -> Path:
    """The folder for this user's data, as the XDG and Apple conventions name it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "leukoscope"
    named = Path(os.environ.get("XDG_DATA_HOME") or "")
    # The convention says to pass over a relative path.
    base = named if named.is_absolute() else Path.home() / ".local" / "share"
    return base / "leukoscope"


def prepare_file(path: Path) -> None:
    """Make the database file, and folders that are missing, for their owner's eyes only.

    What is there already keeps the permissions somebody gave it. SQLite gives its side files
    (-wal, -shm) those of the file.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
