"""Find the images behind what a user names: files, folders, patterns, or a table of paths."""

import glob
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from leukoscope.core.data_frames import is_data_frame
from leukoscope.core.errors import CohortError, LeukoscopeError
from leukoscope.core.files import natural_key
from leukoscope.core.several import several
from leukoscope.core.tables import SUFFIXES as TABLE_SUFFIXES
from leukoscope.core.wording import count
from leukoscope.data.cohort import Cohort, read_cohort_table
from leukoscope.data.imaging.formats import suffix_of
from leukoscope.data.options import NO_OPTIONS, ReadingOptions
from leukoscope.data.scale import stated_scales
from leukoscope.data.unused_options import check_words, refuse_columns, subjects_of
from leukoscope.inference.folders import by_pattern, in_folder, say_left_out, without
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

    @property
    def place(self) -> tuple[str, str]:
        """Absolute path and member, the same for each mention of one image."""
        return os.path.abspath(self.path), self.member


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
        _say_notes(images)
    elif isinstance(images, Cohort) and options != NO_OPTIONS:
        raise CohortError("the cohort was read before; give these options when you read it.")
    if isinstance(images, Cohort):
        return list(_of_cohort(images))
    mentions: list[tuple[object, Image]] = []
    tables = False
    for number, image in enumerate(several_images(images)):
        if isinstance(image, str | os.PathLike):
            for source in _behind(Path(image)):
                tables |= suffix_of(source.path.name) in TABLE_SUFFIXES
                mentions += ((inner.place, inner) for inner in _inside(source, options))
        else:
            mentions.append((number, image))
    found = _each_once(mentions)
    if options == NO_OPTIONS:
        return found
    if not tables:
        refuse_columns(options, "the images", "a folder or image")
        check_words(options, "the images", ())
    named = [one for one in found if isinstance(one, Source) and not one.problem]
    subjects = iter(subjects_of([(one.name, one.subject) for one in named], options, not tables))
    return [
        replace(one, subject=next(subjects)) if isinstance(one, Source) and not one.problem else one
        for one in found
    ]


def _each_once(mentions: Sequence[tuple[object, Image]]) -> list[Image]:
    """List each image once per subject, in order of the first mention.

    A mention without a subject is one of the subject that another mention, before or after it,
    names. A scale that one mention states is that of the image. A warning counts the images of
    several subjects.

    Args:
        mentions: Key and image of each; the key is the same for each mention of one image.
    """
    subjects: dict[object, dict[str, Image]] = {}
    scales: dict[object, float] = {}
    for key, image in mentions:
        subjects.setdefault(key, {}).setdefault(_subject(image), image)
        if isinstance(image, Source) and image.um_per_px is not None:
            scales.setdefault(key, image.um_per_px)
    found: dict[tuple[object, str], Image] = {}
    for key, image in mentions:
        same = subjects[key]
        subject = _subject(image) or next(filter(None, same), "")
        one = same[subject]
        if isinstance(one, Source) and one.um_per_px is None:
            one = replace(one, um_per_px=scales.get(key))
        found.setdefault((key, subject), one)
    _say_shared([[name for name in same if name] for same in subjects.values()])
    return list(found.values())


def _subject(image: Image) -> str:
    return image.subject if isinstance(image, Source) else ""


def _say_shared(subjects: Iterable[Sequence[str]]) -> None:
    """Warn of images of several subjects; `subjects` has those of each image."""
    shared = [names for names in subjects if len(names) > 1]
    if shared:
        _log.warning(
            "%s listed under several subjects and predicted once for each; first: %s.",
            count(len(shared), "image", "is"),
            " and ".join(map(repr, shared[0][:3])),
        )


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
            yield from (Source(*found) for found in in_folder(path))
        elif path.exists() or not glob.has_magic(str(path)):
            yield Source(path)  # the decoder says what is wrong with it, if anything is
        else:
            yield from (Source(*found) for found in by_pattern(path, CONTAINERS))
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
    cohort = read_cohort_table(path, options)
    _say_notes(cohort)
    return list(_of_cohort(cohort)) or [Source(path, "a table without rows")]


def _say_notes(cohort: Cohort) -> None:
    for note in cohort.notes:
        _log.warning("%s: %s", cohort.source, note)


def _of_cohort(cohort: Cohort) -> Iterator[Source]:
    for path, subject, scale in zip(
        cohort.paths, cohort["subject"], stated_scales(cohort), strict=True
    ):
        yield Source(path, subject=str(subject), um_per_px=None if np.isnan(scale) else scale)


def _zip(path: Path) -> list[Source]:
    listing = list_zip(path)
    if not listing.entries:
        return [Source(path, without("a ZIP without images", listing.left_out))]
    say_left_out(path, listing.left_out)
    entries = sorted(listing.entries, key=lambda entry: natural_key(entry.name))
    return [Source(path, entry.problem, entry.name, entry.number) for entry in entries]
