"""Recognize archives and images by their first bytes; names and declared types are not used."""

from leukoscope.data.imaging.formats import sniff

ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ARCHIVES = (
    (ZIP, "ZIP"),
    ((b"\x1f\x8b",), "gzip"),
    ((b"7z\xbc\xaf\x27\x1c",), "7z"),
    ((b"Rar!\x1a\x07",), "RAR"),
    ((b"BZh",), "bzip2"),
    ((b"\xfd7zXZ\x00",), "xz"),
    ((b"\x28\xb5\x2f\xfd",), "zstd"),
)

NESTED = "an archive inside an archive; unpack it first."


def is_zip(head: bytes) -> bool:
    """Tell whether these are the first bytes of a ZIP."""
    return head.startswith(ZIP)


def is_image(head: bytes) -> bool:
    """Tell whether these are the first bytes of an image of a supported format."""
    return sniff(head) is not None


def media_type(head: bytes) -> str:
    """The media type of an image with these first bytes; `application/octet-stream` otherwise."""
    image = sniff(head)
    return image.media_type if image else "application/octet-stream"


def archive_kind(head: bytes) -> str:
    """The name of an archive format, or an empty text for other files.

    Args:
        head: The first bytes of the file; 262 of them are needed to recognize a tar.
    """
    if head[257:262] == b"ustar":
        return "tar"
    return next((name for magics, name in _ARCHIVES if head.startswith(magics)), "")
