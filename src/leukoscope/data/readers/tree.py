"""List the images below a folder in natural order, with notes on files that were skipped."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from leukoscope.core.drawn import DRAWN, drawn_in
from leukoscope.core.errors import CohortError
from leukoscope.core.files import natural_key
from leukoscope.core.tables import SUFFIXES as TABLE_SUFFIXES
from leukoscope.core.wording import count
from leukoscope.data.imaging.formats import SUFFIXES, suffix_of

CLUTTER = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Tree:
    """Files below a folder.

    Attributes:
        root: The folder.
        images: Paths of the images relative to `root`, in natural order.
        tables: Paths of .csv files, in natural order.
        notes: One line for each kind of skipped files.
    """

    root: Path
    images: tuple[Path, ...]
    tables: tuple[Path, ...]
    notes: tuple[str, ...]


def walk(root: Path) -> Tree:
    """List the images below `root` by extension.

    Hidden files are skipped. A link is followed to a file inside `root`, but never to a folder or
    out of `root`. So a cohort is exactly the content of its folder, and loops cannot occur.

    Raises:
        CohortError: `root` cannot be read, or there is no image below it.
    """
    images, tables, links, troubles = [], [], [], []
    others: Counter[str] = Counter()
    drawings = 0
    home = root.resolve()

    def trouble(error: OSError) -> None:
        troubles.append(f"{error.filename}: cannot be read ({error.strerror}).")

    for folder, folders, files in os.walk(root, onerror=trouble):
        here = Path(folder)
        links += [here / name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        drawn = drawn_in(here)
        for name in files:
            path = here / name
            suffix = suffix_of(name)
            if name.startswith(".") or name.lower() in CLUTTER:
                continue
            if name in drawn:
                drawings += 1
                continue
            if path.is_symlink() and not _inside(path, home):
                links.append(path)
            elif suffix in SUFFIXES:
                images.append(path.relative_to(root))
            elif suffix == ".csv":
                tables.append(path)
            elif suffix not in TABLE_SUFFIXES:
                others[suffix or name] += 1
    notes = troubles
    if links:
        first = min(links, key=lambda path: natural_key(str(path)))
        notes.append(
            f"Not followed: {count(len(links), 'link')} to folders, or out of {root}; "
            f"first: {first}."
        )
    if others:
        kinds = ", ".join(kind for kind, _ in others.most_common(5))
        total = count(others.total(), "file")
        notes.append(f"Left out: {total} without the extension of an image ({kinds}).")
    if drawings:
        notes.append(f"Left out: {drawings:,} {DRAWN}, which Leukoscope drew.")
    if not images:
        kinds = " ".join(sorted(SUFFIXES))
        raise CohortError(
            f"{root}: no image below this folder ({kinds}). {' '.join(notes)}".strip()
        )
    return Tree(
        root, tuple(sorted(images, key=_key)), tuple(sorted(tables, key=_key)), tuple(notes)
    )


def _key(path: Path) -> tuple[object, ...]:
    return tuple(natural_key(part) for part in path.parts)


def _inside(path: Path, home: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(home)
    except (OSError, RuntimeError):  # dangling, or a link to itself
        return False
