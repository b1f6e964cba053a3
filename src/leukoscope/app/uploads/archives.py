"""Read the images of an untrusted ZIP archive one by one, in memory.

The directory is read with the request, the bytes of a member only when a worker needs them. Sizes
and ratios are checked on the bytes that come out, never on what a header claims.
"""

import io
import threading
import zipfile
from dataclasses import dataclass

from leukoscope.app.http.names import clean_name
from leukoscope.app.limits import MB, Limits
from leukoscope.app.uploads.uploaded_file import UploadedFile
from leukoscope.core.errors import ImageError
from leukoscope.core.wording import count as counted
from leukoscope.data.imaging.other_files import describe_left_out
from leukoscope.data.imaging.zip_entries import ZipEntry, ZipListing, list_entries
from leukoscope.data.imaging.zip_reader import unpacked

CENTRAL_HEADER = b"PK\x01\x02"
# Limit on directory entries before they are listed; here folders and other files count too.
MAX_ENTRIES = 40_000
# Unpacking less than this is harmless at any ratio: an all-black cell compresses a thousandfold.
HARMLESS_BYTES = 1 * MB


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One image in an archive."""

    archive: "Archive"
    info: zipfile.ZipInfo
    name: str

    def load(self) -> bytes:
        """Unpack the member; safe to call from several threads.

        Raises:
            ImageError: The member is damaged, too large, or exceeds the compression ratio.
        """
        return self.archive.read(self.info)


class Archive:
    """An open ZIP in memory."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Read the directory.

        Raises:
            ImageError: The archive is broken, or has too many entries.
        """
        if data.count(CENTRAL_HEADER) > MAX_ENTRIES:
            raise ImageError(f"an archive of more than {MAX_ENTRIES:,} entries; split it.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except Exception as error:  # a hostile directory can raise nearly anything
            raise ImageError("a broken ZIP archive; make it again.") from error
        self._limits = limits
        self._size = len(data)
        self._inflated = 0
        self._lock = threading.Lock()

    def listing(self) -> ZipListing:
        """The images and the refused files."""
        return list_entries(self._zip)

    def info(self, entry: ZipEntry) -> zipfile.ZipInfo:
        """The directory's record of an entry."""
        return self._zip.infolist()[entry.number]

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Unpack a member.

        Raises:
            ImageError: As in `ArchiveMember.load`.
        """
        out = io.BytesIO()
        try:
            self._check(info, 0, 0)
            for piece in unpacked(self._zip, info):
                out.write(piece)
                self._check(info, len(piece), out.tell())
        except ImageError:
            raise
        except Exception as error:  # zlib, struct, CRC, end of file: all the same to a user
            raise ImageError("damaged inside its archive; make the archive again.") from error
        return out.getvalue()

    def _check(self, info: zipfile.ZipInfo, more: int, size: int) -> None:
        """Stop if a member is too large, or if it or the archive exceeds the compression ratio."""
        ratio = self._limits.archive_ratio
        with self._lock:
            self._inflated += more
            total = self._inflated
        if size > self._limits.image_bytes:
            raise ImageError(too_large(self._limits))
        # Entries that share their packed bytes pass the first check, but not the second.
        packed = min(info.compress_size, self._size)
        grown = size > max(HARMLESS_BYTES, ratio * packed)
        if grown or total > max(16 * HARMLESS_BYTES, ratio * self._size):
            raise ImageError(f"unpacks to more than {ratio} times its size in the archive.")


def open_archive(name: str, data: bytes, limits: Limits) -> list[ArchiveMember | UploadedFile]:
    """List the images of an archive in its order, and refused members with a reason.

    Folders, hidden files and files that are no images are skipped; see
    `leukoscope.data.imaging.zip_entries`.

    Args:
        name: Name of the archive, which becomes the prefix of its members' names.
        data: Bytes of the archive.
        limits: Limits of the server.
    """
    try:
        archive = Archive(data, limits)
    except ImageError as error:
        return [UploadedFile(name, problem=str(error))]
    listing = archive.listing()
    images = [_member(archive, entry, name, limits) for entry in listing.entries]
    if not images:
        others = describe_left_out(listing.left_out)
        kinds = f"; it has {others}" if others else ""
        return [UploadedFile(name, problem=f"an archive without images{kinds}.")]
    if len(images) > limits.request_images:
        return [UploadedFile(name, problem=too_many(len(images), limits))]
    return images


def too_many(count: int, limits: Limits) -> str:
    """Reason for refusing an archive with too many images."""
    limit = limits.request_images
    return f"contains {counted(count, 'image')}, but a request may have {limit:,}; split it."


def too_large(limits: Limits) -> str:
    """Reason for refusing a large image."""
    return f"larger than {limits.image_bytes / MB:.0f} MB; crop the cell first."


def _member(
    archive: Archive, entry: ZipEntry, archive_name: str, limits: Limits
) -> ArchiveMember | UploadedFile:
    name = clean_name(f"{archive_name}/{entry.name}", limits.name_length)
    if entry.problem:
        return UploadedFile(name, problem=entry.problem)
    return ArchiveMember(archive, archive.info(entry), name)
