"""Images in a ZIP on disk, read one by one without unpacking it."""

import io
import zipfile
from functools import lru_cache
from pathlib import Path

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.zip_entries import ZipListing, list_entries
from leukoscope.data.imaging.zip_reader import unpacked

MAX_BYTES = 256_000_000
"""Limit of one unpacked image, as for a file."""


def list_zip(path: Path) -> ZipListing:
    """List the images of a ZIP.

    Raises:
        ImageError: Not a ZIP, or a broken one.
    """
    return list_entries(_opened(path))


def read_member(path: Path, number: int) -> bytes:
    """Read one file of a ZIP.

    Args:
        path: The ZIP.
        number: The place of the file in the directory of the ZIP.

    Raises:
        ImageError: It cannot be read, or is too large. The message has no file name.
    """
    archive = _opened(path)
    try:
        data = io.BytesIO()
        for piece in unpacked(archive, archive.infolist()[number]):
            data.write(piece)
            if data.tell() > MAX_BYTES:
                raise ImageError(f"larger than {MAX_BYTES / 1e6:.0f} MB; crop the cell first.")
    except ImageError:
        raise
    except Exception as error:  # each method of compression has errors of its own
        raise ImageError(f"cannot be unpacked ({error}).") from error
    return data.getvalue()


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return _archive(str(path), path.stat().st_mtime_ns)
    except ImageError:
        raise
    except Exception as error:  # a hostile directory can raise nearly anything
        raise ImageError(f"cannot be read as a ZIP ({error}); make it again.") from error


@lru_cache(maxsize=4)
def _archive(path: str, _modified: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)
