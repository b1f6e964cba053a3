"""Images in a ZIP on disk, read one by one without unpacking it."""

import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath

from leukoscope.core.errors import ImageError
from leukoscope.core.files import natural_key
from leukoscope.data.imaging.formats import OTHER_IMAGE_SUFFIXES, SUFFIXES, suffix_of

MAX_BYTES = 256_000_000
"""Limit of one unpacked image, as for a file."""


def zip_images(path: Path) -> list[str]:
    """List the images of a ZIP in natural order, without hidden files.

    Raises:
        ImageError: Not a ZIP, or a broken one.
    """
    names = dict.fromkeys(info.filename for info in _opened(path).infolist() if not info.is_dir())
    return sorted(filter(_is_image, names), key=natural_key)


def read_member(path: Path, member: str) -> bytes:
    """Read one file of a ZIP.

    Raises:
        ImageError: It cannot be read, or is too large.
    """
    archive = _opened(path)
    try:
        with archive.open(member) as file:
            data = file.read(MAX_BYTES + 1)
    except Exception as error:  # each method of compression has errors of its own
        raise ImageError(f"{path / member}: cannot be unpacked ({error}).") from error
    if len(data) > MAX_BYTES:
        raise ImageError(f"{path / member}: larger than {MAX_BYTES:,} bytes.")
    return data


def _is_image(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    hidden = any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in parts)
    suffix = suffix_of(name)
    return not hidden and (suffix in SUFFIXES or suffix in OTHER_IMAGE_SUFFIXES)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return _archive(str(path), path.stat().st_mtime_ns)
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise ImageError(f"{path}: cannot be read as a ZIP ({error}).") from error


@lru_cache(maxsize=4)
def _archive(path: str, _modified: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)
