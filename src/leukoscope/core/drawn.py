"""Pictures of results beside or among images of cells: which files of a folder the program drew.

A folder with such pictures, as contact sheets or heatmaps, has a hidden file with their names. They
are left out wherever images of cells are listed.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from leukoscope.core.files import write_text

LISTED_IN = ".leukoscope-drawn"
"""Name of the hidden file, a list in JSON."""
DRAWN = "pictures of results"
"""What these files are called in a count of files that were left out."""
LARGEST = 10_000_000
"""Bytes of a list that are read at most."""


def mark_drawn(pictures: Iterable[Path]) -> None:
    """Add pictures to the lists of their folders.

    Raises:
        FileError: A list cannot be written.
    """
    folders: dict[Path, set[str]] = defaultdict(set)
    for picture in pictures:
        folders[picture.parent].add(picture.name)
    for folder, names in folders.items():
        known = names | drawn_in(folder)
        write_text(folder / LISTED_IN, json.dumps(sorted(known), indent=0))


def drawn_in(folder: Path) -> frozenset[str]:
    """Names of the files of a folder that the program drew; none if no list can be read."""
    try:
        with (folder / LISTED_IN).open("rb") as file:
            return listed_names(file.read(LARGEST))
    except OSError:
        return frozenset()


def listed_names(data: bytes) -> frozenset[str]:
    """Names in the content of a list; none in other content."""
    try:
        names = json.loads(data)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(map(str, names)) if isinstance(names, list) else frozenset()
