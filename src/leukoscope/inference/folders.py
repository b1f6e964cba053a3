"""Find the images in folders and by patterns."""

import logging
import os
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from leukoscope.core.drawn import DRAWN, drawn_in
from leukoscope.core.files import natural_key
from leukoscope.data.imaging.formats import SUFFIXES, suffix_of
from leukoscope.data.imaging.other_files import (
    HEAD_BYTES,
    describe_left_out,
    has_image_suffix,
    is_image,
)

_log = logging.getLogger(__name__)
Found: TypeAlias = tuple[Path, str]
"""A path with "", or with the problem why it leads to no image."""


def say_left_out(place: Path, left_out: Counter[str]) -> None:
    """Warn of the files that were left out; nothing without any."""
    if left_out:
        _log.warning("%s: left out, not images: %s", place, describe_left_out(left_out))


def without(what: str, left_out: Counter[str]) -> str:
    """A problem, with the files that are there instead of images."""
    others = describe_left_out(left_out)
    return f"{what}; it has {others}" if others else what


def in_folder(path: Path) -> Iterator[Found]:
    """The images below a folder, in natural order."""
    empty, left_out = True, Counter[str]()
    for found in _walk(path, set(), left_out):
        empty = False
        yield found
    if empty:
        kinds = " ".join(sorted(SUFFIXES))
        yield path, without(f"a folder without images ({kinds})", left_out)
    else:
        say_left_out(path, left_out)


def _walk(folder: Path, seen: set[tuple[int, int]], left_out: Counter[str]) -> Iterator[Found]:
    """The images below a folder.

    Args:
        folder: The folder.
        seen: (device, inode) of the folders entered, which grows.
        left_out: Number of files that are no images by suffix, which grows.
    """
    waiting: list[tuple[Path, bool]] = [(folder, True)]
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield path, ""
            continue
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(path), key=lambda entry: natural_key(entry.name))
        except OSError as error:
            yield path, f"a folder that can't be read: {error.strerror}"
            continue
        wanted, drawn = [], drawn_in(path)
        for entry in entries:
            if entry.name.startswith("."):  # among them macOS's ._name.bmp, which is no image
                continue
            if _is_folder(entry):
                wanted.append((path / entry.name, True))
            elif entry.name in drawn:
                left_out[DRAWN] += 1
            elif _is_image(Path(entry.path)):
                wanted.append((path / entry.name, False))
            else:
                left_out[suffix_of(entry.name)] += 1
        waiting.extend(reversed(wanted))


def by_pattern(pattern: Path, containers: Container[str]) -> Iterator[Found]:
    """The images that match a pattern, in natural order, also those in folders that match.

    Args:
        pattern: As for `pathlib.Path.glob`.
        containers: Suffixes of files that are listed too if the pattern ends in one of them.
    """
    seen: set[tuple[int, int]] = set()
    # pathlib's ** doesn't follow links, so it ends where the glob module's may not.
    base, parts = Path(pattern.anchor), pattern.relative_to(pattern.anchor).parts
    matches = sorted(base.glob(str(Path(*parts))), key=lambda path: natural_key(str(path)))
    empty, left_out = True, Counter[str]()
    asked = suffix_of(pattern.name) if suffix_of(pattern.name) in containers else ""
    for match in matches:
        found: Iterable[Found] = []
        if match.is_dir():
            found = _walk(match, seen, left_out)
        elif match.name in drawn_in(match.parent):
            left_out[DRAWN] += 1
        elif _is_image(match) or (asked and suffix_of(match.name) == asked):
            found = [(match, "")]
        else:
            left_out[suffix_of(match.name)] += 1
        for one in found:
            empty = False
            yield one
    if empty:
        yield pattern, without("no image matches this pattern", left_out)
    else:
        say_left_out(pattern, left_out)


def _is_image(path: Path) -> bool:
    """True for an image in any format by its suffix, or else by its first bytes."""
    if has_image_suffix(path.name):
        return True
    try:
        if not path.is_file():  # reading a pipe would block
            return False
        with path.open("rb") as file:
            return is_image(file.read(HEAD_BYTES))
    except OSError:
        return False


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
