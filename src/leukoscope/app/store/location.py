"""Location of the cases: the user's own file, memory, or a PostgreSQL server."""

import os
import tempfile
from pathlib import Path

from sqlalchemy import URL

from leukoscope.app.settings import Settings
from leukoscope.core.folders import data_folder

FILE_NAME = "cases.sqlite3"
IN_MEMORY = "sqlite://"


def database_url(settings: Settings) -> str:
    """The SQLAlchemy URL for a server's settings."""
    if settings.ephemeral:
        return IN_MEMORY
    return settings.database or f"sqlite:///{data_folder() / FILE_NAME}"


def scratch_folder(url: URL) -> Path | None:
    """The folder for temporary files beside a database; None if there is none.

    Beside a SQLite file is room for it, and perhaps nowhere else may be written. A database in
    memory is meant to leave nothing on a disk.
    """
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        return None
    if url.get_backend_name() == "sqlite" and not str(url.database).startswith("file:"):
        return Path(str(url.database)).expanduser().absolute().parent
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


def prepare_file(path: Path) -> None:
    """Create the database file and missing folders, readable by their owner only.

    Existing files keep their permissions. SQLite gives its side files (-wal, -shm) the permissions
    of the file.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
