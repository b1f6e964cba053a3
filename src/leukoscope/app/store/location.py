"""Location of the cases: the user's own file, memory, or a PostgreSQL server."""

import os
from pathlib import Path

from leukoscope.app.settings import Settings
from leukoscope.core.folders import data_folder

FILE_NAME = "cases.sqlite3"
IN_MEMORY = "sqlite://"


def database_url(settings: Settings) -> str:
    """The SQLAlchemy URL for a server's settings."""
    if settings.ephemeral:
        return IN_MEMORY
    return settings.database or f"sqlite:///{data_folder() / FILE_NAME}"


def prepare_file(path: Path) -> None:
    """Create the database file and missing folders, readable by their owner only.

    Existing files keep their permissions. SQLite gives its side files (-wal, -shm) the permissions
    of the file.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
