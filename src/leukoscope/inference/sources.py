"""Find the images behind what a user names: files, folders, patterns, or a table of paths."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np

from leukoscope.core.data_frames import is_data_frame
from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.files import natural_key
from leukoscope.core.tables import SUFFIXES as TABLE_SUFFIXES
from leukoscope.data.cohort import Cohort, read_cohort_table
from leukoscope.data.imaging.formats import OTHER_IMAGE_SUFFIXES, SUFFIXES, sniff, suffix_of
from leukoscope.inference.zip_images import zip_images

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Source:
    """One image to read; or, with a `problem`, a name that leads to no image.

    Attributes:
        path: The file.
        problem: Why there is no image.
        member: Name inside `path`, if that is a ZIP.
    """

    path: Path
    problem: str = ""
    member: str = ""

    @property
    def name(self) -> str:
        """The path, with the name inside the ZIP where there is one."""
        return str(self.path / self.member) if self.member else str(self.path)


Image: TypeAlias = Source | Path | str | bytes | np.ndarray
"""One image: a file, its bytes, or uint8 (H, W, 3), RGB at the original scale."""
Images: TypeAlias = "Image | Iterable[Image] | Cohort | pandas.DataFrame"
"""One image, several, a folder or pattern of images, or a table with a column `path`."""


def list_images(images: Images) -> list[Image]:
    """List the images behind whatever a user gave to predict.

    Args:
        images: One or several files, folders, patterns, bytes or arrays; see `expand` for paths. A
            table (`path`) or a ZIP means the images in it. Of a cohort or a DataFrame each row is
            one image, also where a path comes twice.
    """
    if is_data_frame(images):
        images = Cohort.from_pandas(images)
    if isinstance(images, Cohort):
        return list(images.paths)
    is_array = isinstance(images, np.ndarray) and images.ndim <= 3
    if is_array or isinstance(images, str | os.PathLike | bytes | bytearray | Source):
        images = [cast(Image, images)]
    found: dict[object, Image] = {}
    for number, image in enumerate(cast("Iterable[Image]", images)):
        if isinstance(image, str | os.PathLike):
            for source in _behind(Path(image)):
                for inner in _inside(source):
                    found.setdefault(os.path.abspath(inner.name), inner)
        else:
            found[number] = image
    return list(found.values())


def expand(named: Path | str | Iterable[Path | str]) -> list[Source]:
    """List the images behind files, folders and glob patterns.

    A folder, or a pattern (`*`, `?`, `[...]`, `**`) that is not an existing file, gives its images
    by extension, in natural order, without hidden files. Images in formats that are not read are
    listed too, for the decoder to name, and files without an extension by their first bytes. A file
    is listed whatever its name. Symbolic links to folders are followed, each folder once, so that a
    loop ends. The order is that of the arguments. An image named twice is listed once.

    Returns:
        The sources; whatever does not exist or cannot be read is listed in its place, with its
        problem.
    """
    found: dict[str, Source] = {}
    for name in [named] if isinstance(named, str | os.PathLike) else named:
        for key, source in _keyed(name):
            found.setdefault(key, source)
    return list(found.values())


def _keyed(name: Path | str) -> Iterator[tuple[str, Source]]:
    """Yield the sources behind a name, each with the absolute path as its key."""
    for source in _behind(Path(name)):
        yield os.path.abspath(source.path), source


def _behind(path: Path) -> Iterator[Source]:
    try:
        if path.is_dir():
            yield from _folder(path, set())
        elif path.exists() or not glob.has_magic(str(path)):
            yield Source(path)  # the decoder says what is wrong with it, if anything is
        else:
            yield from _pattern(path, set())
    except (OSError, ValueError) as error:  # a null byte, a name too long, a folder out of reach
        yield Source(path, f"can't be read: {getattr(error, 'strerror', None) or error}")


def _inside(source: Source) -> Iterator[Source]:
    """The images in a table or a ZIP; any other source itself."""
    suffix = suffix_of(source.path.name)
    if source.problem or suffix not in (*TABLE_SUFFIXES, ".zip") or not source.path.is_file():
        yield source
        return
    members: list[Source] = []
    problem = "a ZIP without images"
    try:
        if suffix == ".zip":
            members = [Source(source.path, member=name) for name in zip_images(source.path)]
        else:
            members = [Source(path) for path in read_cohort_table(source.path).paths]
            problem = "a table without rows"
    except LeukoscopeError as error:
        problem = str(error).removeprefix(f"{source.path}: ").rstrip(".")
    yield from members or [Source(source.path, problem)]


def _folder(path: Path, seen: set[tuple[int, int]]) -> Iterator[Source]:
    empty = True
    for source in _walk(path, seen):
        empty = False
        yield source
    if empty:
        kinds = " ".join(sorted(SUFFIXES))
        yield Source(path, f"a folder without images ({kinds})")


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Source]:
    """The images below a folder. `seen` holds (device, inode) of the folders entered."""
    waiting: list[tuple[Path, bool]] = [(folder, True)]
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield Source(path)
            continue
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(path), key=lambda entry: natural_key(entry.name))
        except OSError as error:
            yield Source(path, f"a folder that can't be read: {error.strerror}")
            continue
        wanted = [(path / entry.name, _is_folder(entry)) for entry in entries if _wanted(entry)]
        waiting.extend(reversed(wanted))


def _pattern(pattern: Path, seen: set[tuple[int, int]]) -> Iterator[Source]:
    # pathlib's ** doesn't follow links, so it ends where the glob module's may not.
    base, parts = Path(pattern.anchor), pattern.relative_to(pattern.anchor).parts
    matches = sorted(base.glob(str(Path(*parts))), key=lambda path: natural_key(str(path)))
    empty = True
    for match in matches:
        if match.is_dir():
            sources: Iterable[Source] = _walk(match, seen)
        else:
            sources = [Source(match)] if _is_image(match) else []
        for source in sources:
            empty = False
            yield source
    if empty:
        yield Source(pattern, "no image matches this pattern")


def _wanted(entry: "os.DirEntry[str]") -> bool:
    if entry.name.startswith("."):  # among them macOS's ._name.bmp, which is no image
        return False
    return _is_folder(entry) or _is_image(Path(entry.path))


def _is_image(path: Path) -> bool:
    """True for an image by its suffix, or by its first bytes if it has no suffix."""
    suffix = suffix_of(path.name)
    if suffix and not suffix[1:].isdecimal():
        return suffix in SUFFIXES or suffix in OTHER_IMAGE_SUFFIXES
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError:
        return False
    return sniff(head) is not None or head[128:] == b"DICM"


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
