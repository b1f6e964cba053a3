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
    """Make the database file, and folders that are missing, for their owner's eyes only.

    What is there already keeps the permissions somebody gave it. SQLite gives its side files
    (-wal, -shm) those of the file.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
