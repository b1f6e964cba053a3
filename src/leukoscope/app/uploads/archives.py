"""The images in a ZIP, one by one, without a file and without trusting anything it says.

The list of members is read when the request comes, a member's bytes only when a worker wants them.
What a header claims is never believed: sizes and ratios are checked on the bytes that come out.
"""

import io
import stat
import threading
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath

from leukoscope.app.http.names import clean_name
from leukoscope.app.limits import MB, Limits
from leukoscope.app.uploads.items import Upload
from leukoscope.app.uploads.sniff import NESTED, is_image, kind_of
from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.formats import SUFFIXES

CENTRAL_HEADER = b"PK\x01\x02"
# More entries than this are not even listed: folders and other files count here, images later.
MOST_ENTRIES = 40_000
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Inflating so little harms nobody, whatever its ratio: an all-black cell shrinks a thousandfold.
HARMLESS = 1 * MB
CHUNK = 256 * 1024
ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """One image in an archive."""

    archive: "Archive"
    info: zipfile.ZipInfo
    name: str

    def load(self) -> bytes:
        """The member's bytes; may be called from several threads.

        Raises:
            ImageError: the member is damaged, too large, or packed beyond the ratio.
        """
        return self.archive.read(self.info)


class Archive:
    """An open ZIP in memory."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Read the list of members.

        Raises:
            ImageError: it is broken, or has too many entries to be looked at.
        """
        if data.count(CENTRAL_HEADER) > MOST_ENTRIES:
            raise ImageError(f"an archive of more than {MOST_ENTRIES:,} entries; split it.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self.entries = self._zip.infolist()
        except Exception as error:  # a hostile directory raises nearly anything
            raise ImageError("a broken ZIP archive; make it again.") from error
        self._limits = limits
        self._size = len(data)
        self._inflated = 0
        self._lock = threading.Lock()

    def head(self, info: zipfile.ZipInfo) -> bytes:
        """A member's first bytes, enough to tell its kind; none if it is damaged."""
        try:
            with self._zip.open(info) as file:
                return file.read(512)
        except Exception:  # says so when it is read as a whole
            return b""

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """A member's bytes.

        Raises:
            ImageError: see `Member.load`.
        """
        out = io.BytesIO()
        try:
            self._check(info, 0, 0)
            with self._zip.open(info) as file:
                while chunk := file.read(CHUNK):
                    out.write(chunk)
                    self._check(info, len(chunk), out.tell())
        except ImageError:
            raise
        except Exception as error:  # zlib, struct, CRC, end of file: all mean the same to a person
            raise ImageError("damaged inside its archive; make the archive again.") from error
        return out.getvalue()

    def _check(self, info: zipfile.ZipInfo, more: int, size: int) -> None:
        """Stop at a member that is too large, or grows too much, or an archive that does."""
        ratio = self._limits.archive_ratio
        with self._lock:
            self._inflated += more
            total = self._inflated
        if size > self._limits.image_bytes:
            raise ImageError(too_large(self._limits))
        # Entries that share their packed bytes pass the first test and not the second.
        packed = min(info.compress_size, self._size)
        grown = size > max(HARMLESS, ratio * packed)
        if grown or total > max(16 * HARMLESS, ratio * self._size):
            raise ImageError(f"unpacks to more than {ratio} times its size in the archive.")


def open_archive(name: str, data: bytes, limits: Limits) -> list[Member | Upload]:
    """What an archive holds, in its order: images, and what is refused with a reason.

    Folders, hidden files and files that are no images are passed over.

    Args:
        name: the archive's own name, put before those of its members.
        data: the archive.
        limits: the server's bounds.
    """
    try:
        archive = Archive(data, limits)
    except ImageError as error:
        return [Upload(name, problem=str(error))]
    found = [item for info in archive.entries if (item := _entry(archive, info, name, limits))]
    if not found:
        return [Upload(name, problem="an archive without images.")]
    if len(found) > limits.request_images:
        return [Upload(name, problem=too_many(len(found), limits))]
    return found


def too_many(count: int, limits: Limits) -> str:
    """Why an archive of that many images is refused."""
    most = limits.request_images
    return f"holds {count:,} images, and a request may have {most:,}; split it."


def too_large(limits: Limits) -> str:
    """Why a large image is refused."""
    return f"larger than {limits.image_bytes / MB:.0f} MB; crop the cell first."


def _entry(
    archive: Archive, info: zipfile.ZipInfo, archive_name: str, limits: Limits
) -> Member | Upload | None:
    """One entry of the directory; None for what nobody would want answered."""
    raw = info.filename.replace("\\", "/")
    parts = raw.split("/")
    name = clean_name(f"{archive_name}/{raw}", limits.name_length)
    if raw.startswith("/") or ".." in parts or raw[1:2] == ":":
        return Upload(name, problem="its name leads out of the archive.")
    if info.is_dir() or raw.endswith("/"):
        return None
    if "__MACOSX" in parts or any(part.startswith(".") for part in parts):
        return None
    problem = _problem(info)
    if PurePosixPath(raw).suffix.lower() in SUFFIXES:
        return Upload(name, problem=problem) if problem else Member(archive, info, name)
    if problem:  # neither wanted nor readable
        return None
    head = archive.head(info)
    if kind_of(head):
        return Upload(name, problem=NESTED)
    return Member(archive, info, name) if is_image(head) else None


def _problem(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "a link or device inside the archive, not a file."
    if info.flag_bits & ENCRYPTED:
        return "encrypted; make the archive without a password."
    if info.compress_type not in METHODS:
        return "packed by a method that is not read here; use plain ZIP compression (deflate)."
    return ""
