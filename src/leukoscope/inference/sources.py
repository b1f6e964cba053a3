"""Find the images behind what a user names: files, folders, patterns, or a table of paths."""

import glob
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from leukoscope.core.data_frames import is_data_frame
from leukoscope.core.drawn import DRAWN, drawn_in
from leukoscope.core.errors import CohortError, LeukoscopeError
from leukoscope.core.files import natural_key
from leukoscope.core.several import several
from leukoscope.core.tables import SUFFIXES as TABLE_SUFFIXES
from leukoscope.data.cohort import Cohort, read_cohort_table
from leukoscope.data.imaging.formats import SUFFIXES, suffix_of
from leukoscope.data.imaging.other_files import (
    HEAD_BYTES,
    describe_left_out,
    has_image_suffix,
    is_image,
)
from leukoscope.data.options import NO_OPTIONS, ReadingOptions
from leukoscope.data.scale import stated_scales
from leukoscope.data.unused_options import check_words, refuse_columns, subjects_of
from leukoscope.inference.zip_images import list_zip

if TYPE_CHECKING:
    import pandas

_log = logging.getLogger(__name__)
CONTAINERS = (*TABLE_SUFFIXES, ".zip")
"""Suffixes of files that stand for the images in them."""


@dataclass(frozen=True)
class Source:
    """One image to read; or, with a `problem`, a name that leads to no image.

    Attributes:
        path: The file.
        problem: Why there is no image.
        member: Name inside `path`, if that is a ZIP.
        number: Place of the member in the directory of the ZIP.
        subject: The subject that a table names for the image; "" takes it from the file name.
        um_per_px: The scale that a table states; None takes it from the file.
    """

    path: Path
    problem: str = ""
    member: str = ""
    number: int = 0
    subject: str = ""
    um_per_px: float | None = None

    @property
    def name(self) -> str:
        """The path, with the name inside the ZIP where there is one."""
        return str(self.path / self.member) if self.member else str(self.path)


Image: TypeAlias = Source | Path | str | bytes | np.ndarray
"""One image: a file, its bytes, or uint8 (H, W, 3), RGB at the original scale."""
Images: TypeAlias = "Image | Iterable[Image] | Cohort | pandas.DataFrame"
"""One image, several, a folder or pattern of images, or a table with a column `path`."""


def list_images(images: Images, options: ReadingOptions = NO_OPTIONS) -> list[Image]:
    """List the images behind whatever a user gave to predict.

    Args:
        images: One or several files, folders, patterns, bytes or arrays; see `expand` for paths. A
            table (`path`, and `subject` if it has one) or a ZIP means the images in it. Of a cohort
            or a DataFrame each row is one image, also where a path comes twice.
        options: Words for the classes and headings of tables, and the pattern of subjects.

    Raises:
        CohortError: An option cannot act on these images.
    """
    if is_data_frame(images):
        images = Cohort.from_pandas(images, options=options)
    elif isinstance(images, Cohort) and options != NO_OPTIONS:
        raise CohortError("the cohort was read before; give these options when you read it.")
    if isinstance(images, Cohort):
        return list(_of_cohort(images))
    found: dict[object, Image] = {}
    tables = False
    for number, image in enumerate(several_images(images)):
        if isinstance(image, str | os.PathLike):
            for source in _behind(Path(image)):
                tables |= suffix_of(source.path.name) in TABLE_SUFFIXES
                for inner in _inside(source, options):
                    found.setdefault((os.path.abspath(inner.path), inner.member), inner)
        else:
            found[number] = image
    if options == NO_OPTIONS:
        return list(found.values())
    if not tables:
        refuse_columns(options, "the images", "a folder or image")
        check_words(options, "the images", ())
    named = {key: one for key, one in found.items() if isinstance(one, Source) and not one.problem}
    subjects = subjects_of([(one.name, one.subject) for one in named.values()], options, not tables)
    pairs = zip(named.items(), subjects, strict=True)
    return list((found | {key: replace(one, subject=who) for (key, one), who in pairs}).values())


def several_images(images: Any) -> Iterable[Image]:
    """Iterate over one image or several; a path, bytes or an array (H, W, 3) is one."""
    is_array = isinstance(images, np.ndarray) and images.ndim <= 3
    return cast("Iterable[Image]", several(images, single=np.ndarray if is_array else Source))


def named_inputs(images: Any) -> Sequence[object]:
    """The inputs that a user named in one value or a list; a stream is not read for it."""
    if isinstance(images, str | os.PathLike):
        return [images]
    return images if isinstance(images, list | tuple) else []


def expand(named: Path | str | Iterable[Path | str]) -> list[Source]:
    """List the images behind files, folders and glob patterns.

    A folder, or a pattern (`*`, `?`, `[...]`, `**`) that is not an existing file, gives its images
    in natural order, without hidden files: by extension, or by the first bytes. Images in formats
    that are not read are listed too, for the decoder to name; other files are counted in a warning.
    A named file is listed whatever its name, as are tables and ZIPs by a pattern such as `*.zip`.
    Symbolic links to folders are followed, each folder once, so that a loop ends. The order is that
    of the arguments. An image named twice is listed once.

    Returns:
        The sources; whatever does not exist or cannot be read is listed in its place, with its
        problem.
    """
    found: dict[str, Source] = {}
    for name in several(named):
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


def _inside(source: Source, options: ReadingOptions = NO_OPTIONS) -> Iterator[Source]:
    """The images in a table or a ZIP; any other source itself."""
    suffix = suffix_of(source.path.name)
    if source.problem or suffix not in CONTAINERS or not source.path.is_file():
        yield source
        return
    try:
        yield from _zip(source.path) if suffix == ".zip" else _table(source.path, options)
    except LeukoscopeError as error:
        yield Source(source.path, str(error).removeprefix(f"{source.path}: ").rstrip("."))


def _table(path: Path, options: ReadingOptions) -> list[Source]:
    return list(_of_cohort(read_cohort_table(path, options))) or [
        Source(path, "a table without rows")
    ]


def _of_cohort(cohort: Cohort) -> Iterator[Source]:
    for path, subject, scale in zip(
        cohort.paths, cohort["subject"], stated_scales(cohort), strict=True
    ):
        yield Source(path, subject=str(subject), um_per_px=None if np.isnan(scale) else scale)


def _zip(path: Path) -> list[Source]:
    listing = list_zip(path)
    if not listing.entries:
        return [Source(path, _without("a ZIP without images", listing.left_out))]
    _say_left_out(path, listing.left_out)
    entries = sorted(listing.entries, key=lambda entry: natural_key(entry.name))
    return [Source(path, entry.problem, entry.name, entry.number) for entry in entries]


def _say_left_out(place: Path, left_out: Counter[str]) -> None:
    if left_out:
        _log.warning("%s: left out, not images: %s", place, describe_left_out(left_out))


def _without(what: str, left_out: Counter[str]) -> str:
    others = describe_left_out(left_out)
    return f"{what}; it has {others}" if others else what


def _folder(path: Path, seen: set[tuple[int, int]]) -> Iterator[Source]:
    empty, left_out = True, Counter[str]()
    for source in _walk(path, seen, left_out):
        empty = False
        yield source
    if empty:
        kinds = " ".join(sorted(SUFFIXES))
        yield Source(path, _without(f"a folder without images ({kinds})", left_out))
    else:
        _say_left_out(path, left_out)


def _walk(folder: Path, seen: set[tuple[int, int]], left_out: Counter[str]) -> Iterator[Source]:
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


def _pattern(pattern: Path, seen: set[tuple[int, int]]) -> Iterator[Source]:
    # pathlib's ** doesn't follow links, so it ends where the glob module's may not.
    base, parts = Path(pattern.anchor), pattern.relative_to(pattern.anchor).parts
    matches = sorted(base.glob(str(Path(*parts))), key=lambda path: natural_key(str(path)))
    empty, left_out = True, Counter[str]()
    asked = suffix_of(pattern.name) if suffix_of(pattern.name) in CONTAINERS else ""
    for match in matches:
        sources: Iterable[Source] = []
        if match.is_dir():
            sources = _walk(match, seen, left_out)
        elif match.name in drawn_in(match.parent):
            left_out[DRAWN] += 1
        elif _is_image(match) or (asked and suffix_of(match.name) == asked):
            sources = [Source(match)]
        else:
            left_out[suffix_of(match.name)] += 1
        for source in sources:
            empty = False
            yield source
    if empty:
        yield Source(pattern, _without("no image matches this pattern", left_out))
    else:
        _say_left_out(pattern, left_out)


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
