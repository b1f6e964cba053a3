"""The user's folders for data and for caches, by the conventions of each operating system.

On Linux these are `XDG_DATA_HOME` and `XDG_CACHE_HOME`, by default `~/.local/share` and `~/.cache`.
A relative path in these variables is ignored, as the XDG Base Directory Specification demands.
"""

from pathlib import Path

NAME = "leukoscope"


def data_folder() -> Path:
    """Return the folder for data that the user wants to keep."""
    from platformdirs import user_data_path

    return user_data_path(NAME, appauthor=False)


def cache_folder() -> Path:
    """Return the folder for files that can be made again."""
    from platformdirs import user_cache_path

    return user_cache_path(NAME, appauthor=False)
