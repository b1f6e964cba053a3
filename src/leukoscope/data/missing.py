"""The reason why an image that a table names does not exist, as text."""

import os
from pathlib import Path, PureWindowsPath

from leukoscope.data.imaging.formats import SUFFIXES


def why_not_found(path: Path | str, source: Path | str = "") -> str:
    """The probable cause why an image cannot be opened, and what to do, as a sentence.

    Args:
        path: The image, absolute.
        source: The table that names it, or another source of the cohort.
    """
    path, folder = Path(path), Path(source).parent
    if os.name != "nt" and PureWindowsPath(os.path.relpath(path, folder)).drive:
        return "They are paths of a Windows disk; write them relative to the table."
    try:
        if path.exists():
            return f"{path} is there, but cannot be opened; check its permissions."
        same = [name for name in path.parent.iterdir() if _without_suffix(name) == path]
    except OSError:
        same = []
    if same:
        return f"{same[0].name} is there: write the whole name into the table."
    hint = "relative paths start at the folder of the table"
    missing = next((p for p in reversed(path.parents) if not p.is_dir()), None)
    if missing is not None:
        return f"There is no folder {missing}: was it moved, or is a disk not mounted? ({hint})"
    return f"There is no file {path}: was it moved or renamed? ({hint})"


def _without_suffix(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in SUFFIXES else path
