"""The image formats that are read: the one table of names, suffixes, media types and signatures.

Everything that asks "is this an image we read?" takes the answer from here: the decoder, the
readers of folders, the verification of a copy of C-NMC, uploads, and the page through the API. A
new format is a new row.
"""

import re
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class ImageFormat:
    """One image file format.

    Attributes:
        name: Name for people.
        pillow: Name of Pillow's decoder.
        suffixes: File name suffixes, lower case with the dot.
        media_type: Registered media type (IANA).
        signature: Pattern of the first bytes of a file.
    """

    name: str
    pillow: str
    suffixes: tuple[str, ...]
    media_type: str
    signature: re.Pattern[bytes]


FORMATS = (
    ImageFormat("BMP", "BMP", (".bmp",), "image/bmp", re.compile(rb"BM")),
    ImageFormat("PNG", "PNG", (".png",), "image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ImageFormat(
        "JPEG",
        "JPEG",
        (".jpg", ".jpeg", ".jfif", ".jpe"),
        "image/jpeg",
        re.compile(rb"\xff\xd8\xff"),
    ),
    ImageFormat(  # TIFF and BigTIFF, in both byte orders
        "TIFF", "TIFF", (".tif", ".tiff"), "image/tiff", re.compile(rb"II[*+]\x00|MM\x00[*+]")
    ),
    ImageFormat("WebP", "WEBP", (".webp",), "image/webp", re.compile(rb"(?s:RIFF....WEBP)")),
)
SUFFIXES = frozenset(suffix for row in FORMATS for suffix in row.suffixes)
PILLOW_FORMATS = tuple(row.pillow for row in FORMATS)
NOT_READ = f"not an image this program reads ({', '.join(row.name for row in FORMATS)})"
"""The message for a file of another format, without a full stop."""
HEAD_BYTES = 12
"""Number of first bytes of a file that `sniff` needs."""


def suffix_of(name: str) -> str:
    """The suffix of a file name in lower case, without blanks around it."""
    return PurePath(name.strip()).suffix.strip().lower()


def sniff(head: bytes) -> ImageFormat | None:
    """Recognize the format of a file by its first bytes, whatever its name or declared type.

    Args:
        head: The first bytes of the file, at least `HEAD_BYTES` of them if it has as many.

    Returns:
        The format, or None if it is not one of `FORMATS`.
    """
    return next((row for row in FORMATS if row.signature.match(head)), None)
