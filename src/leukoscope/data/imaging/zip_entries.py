"""List the images of a ZIP, whichever program made it, with one reason for each that is refused.

Used for uploads and for `predict cells.zip`. Names are labels only: nothing is unpacked under them.
"""

import stat
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from leukoscope.core.drawn import DRAWN, LARGEST, LISTED_IN, listed_names
from leukoscope.data.imaging.formats import suffix_of
from leukoscope.data.imaging.other_files import (
    HEAD_BYTES,
    archive_kind,
    document_kind,
    has_image_suffix,
    is_image,
)
from leukoscope.data.imaging.zip_names import decoded_names
from leukoscope.data.imaging.zip_reader import METHODS, unpacked

ENCRYPTED_FLAG, DOS_FOLDER = 0x1, 0x10
NAMELESS = "(without a name)"
NESTED = "an archive inside an archive; unpack it first."


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One image of a ZIP, or a file that is refused.

    Attributes:
        number: Its place in the directory of the ZIP.
        name: Its relative path with forward slashes, without ".." and unique in the ZIP.
        problem: Why it is refused, or "".
    """

    number: int
    name: str
    problem: str = ""


@dataclass(frozen=True)
class ZipListing:
    """The images of a ZIP.

    Attributes:
        entries: Images and refused files in the order of the directory.
        left_out: Number of other files by suffix; "hidden" for images with a hidden name.
    """

    entries: list[ZipEntry]
    left_out: Counter[str]


def list_entries(archive: zipfile.ZipFile) -> ZipListing:
    """List the images of a ZIP.

    Folders and what macOS adds are skipped. A name that occurs twice gets a number.

    Args:
        archive: The opened ZIP.
    """
    entries: list[ZipEntry] = []
    left_out, names = Counter[str](), dict[str, int]()
    infos = archive.infolist()
    all_names = decoded_names(infos)
    drawn = _drawn(archive, infos, all_names)
    for number, (info, decoded) in enumerate(zip(infos, all_names, strict=True)):
        if decoded in drawn:
            left_out[DRAWN] += 1
            continue
        path = decoded.replace("\\", "/")
        if path.endswith("/") or _is_folder(info):
            continue
        parts = [part for part in path.split("/") if part.strip() not in ("", ".")]
        name = "/".join(part for part in parts if part != "..") or NAMELESS
        if "__MACOSX" in parts or parts[-1:] == [".DS_Store"]:
            continue
        if any(part.startswith(".") and part != ".." for part in parts):
            left_out["hidden"] += has_image_suffix(name) and not parts[-1].startswith("._")
            continue
        problem = _problem(info, path, parts)
        if not has_image_suffix(name):
            suffix = suffix_of(name)
            head = b"" if problem else _head(archive, info)
            if archive_kind(head) and not document_kind(name, head):
                problem = NESTED
            if (suffix and problem and problem != NESTED) or (not problem and not is_image(head)):
                left_out[suffix] += 1
                continue
        entries.append(ZipEntry(number, _unique(name, names), problem))
    return ZipListing(entries, +left_out)


def _drawn(
    archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo], names: Sequence[str]
) -> frozenset[str]:
    """Names of the files that `core.drawn` lists in their folders."""
    found: set[str] = set()
    for info, name in zip(infos, names, strict=True):
        folder, _, last = name.rpartition("/")
        if last == LISTED_IN and info.file_size <= LARGEST and not _problem(info, name, [last]):
            try:
                content = b"".join(unpacked(archive, info))
            except Exception:  # a damaged entry can raise nearly anything
                continue
            found.update(f"{folder}/{own}".lstrip("/") for own in listed_names(content))
    return frozenset(found)


def _unique(name: str, taken: dict[str, int]) -> str:
    """The name, with a number before its suffix if it is taken, which it is from now on.

    Args:
        name: A relative path.
        taken: The names taken, each with the last number it got; many may be the same.
    """
    path, unique = PurePosixPath(name), name
    while unique in taken:
        taken[name] += 1
        unique = str(path.with_name(f"{path.stem} ({taken[name]}){path.suffix}"))
    taken[unique] = 1
    return unique


def _problem(info: zipfile.ZipInfo, path: str, parts: list[str]) -> str:
    if not parts:
        return "a file without a name in the archive."
    if path.startswith("/") or ".." in parts or path[1:2] == ":":
        return "its name points outside the archive."
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link or device inside the archive, not a file."
    if info.flag_bits & ENCRYPTED_FLAG:
        return "encrypted; make the archive without a password."
    if info.compress_type not in METHODS:
        return "packed with an unsupported method; use plain ZIP compression (deflate)."
    return ""


def _is_folder(info: zipfile.ZipInfo) -> bool:
    """True for a folder whose name lacks the slash at its end."""
    marked = stat.S_ISDIR(info.external_attr >> 16) or bool(info.external_attr & DOS_FOLDER)
    return marked and info.file_size == 0


def _head(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return next(unpacked(archive, info), b"")[:HEAD_BYTES]
    except Exception:  # a damaged entry can raise nearly anything; it counts as left out
        return b""
