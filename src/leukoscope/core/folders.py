"""The user's folders for data and for caches, by the conventions of each operating system.

On Linux these are `XDG_DATA_HOME` and `XDG_CACHE_HOME`, by default `~/.local/share` and `~/.cache`.
A relative path in these variables is ignored, as the XDG Base Directory Specification demands.
"""

import tempfile
from pathlib import Path

from leukoscope.core.errors import FileError

NAME = "leukoscope"


def data_folder() -> Path:
    """Return the folder for data that the user wants to keep.

    Raises:
        FileError: The user has no home folder, and XDG_DATA_HOME is not set.
    """
    from platformdirs import user_data_path

    folder = user_data_path(NAME, appauthor=False)
    if not folder.is_absolute():
        raise FileError(f"{folder}: no home folder is known; set HOME or XDG_DATA_HOME.")
    return folder


def cache_folder() -> Path:
    """Return the folder for files that can be made again.

    A user without a home folder gets a temporary one.
    """
    from platformdirs import user_cache_path

    folder = user_cache_path(NAME, appauthor=False)
    return folder if folder.is_absolute() else Path(tempfile.gettempdir()) / NAME
