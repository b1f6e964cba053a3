"""Name the files that are not readable images: other image formats, archives, pointers, web pages.

A user who gives one of them is told what it is and what to do; a folder's list shows images in
other formats with that reason instead of passing over them.
"""

import re
from collections import Counter

from leukoscope.data.imaging.formats import NOT_READ, SUFFIXES, sniff, suffix_of

HEAD_BYTES = 600
"""Number of first bytes of a file that the functions here need, if it has as many."""
MOST_KINDS = 4
"""Largest number of kinds of files that are named one by one."""
ZIP = re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)")
DOCUMENT_SUFFIXES = frozenset(
    [
        ".docx",
        ".docm",
        ".xlsx",
        ".xlsm",
        ".pptx",
        ".odt",
        ".ods",
        ".odp",
        ".odg",
        ".pages",
        ".numbers",
        ".key",
        ".epub",
        ".jar",
        ".apk",
        ".whl",
        ".npz",
        ".kmz",
    ]
)
"""Suffixes of files that are a ZIP inside, but no archive to a user."""
_FIRST_NAMES = (b"mimetype", b"[Content_Types].xml", b"_rels/", b"META-INF/")
"""The names with which Office, OpenDocument, EPUB and Java files begin."""
_NAME_AT = 30
"""Place of the first name in a ZIP."""
_ARCHIVES = (
    ("ZIP", ZIP),
    ("gzip", re.compile(rb"\x1f\x8b")),
    ("7z", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("RAR", re.compile(rb"Rar!\x1a\x07")),
    ("bzip2", re.compile(rb"BZh")),
    ("xz", re.compile(rb"\xfd7zXZ\x00")),
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd")),
    ("tar", re.compile(rb"(?s:.{257}ustar)")),
)
_IMAGES = (
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("DICOM", re.compile(rb"(?s:.{128}DICM)")),
    ("AVIF", re.compile(rb"(?s:....ftypavi[fs])")),
    ("HEIC", re.compile(rb"(?s:....ftyp(?:he[iv]|mif1|msf1))")),
    ("JPEG 2000", re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51")),
    ("JPEG XL", re.compile(rb"\xff\x0a|\x00\x00\x00\x0cJXL ")),
    ("Photoshop", re.compile(rb"8BPS")),
    ("PDF", re.compile(rb"%PDF-")),
    ("Radiance HDR", re.compile(rb"#\?RADIANCE")),
    ("OpenEXR", re.compile(rb"\x76\x2f\x31\x01")),
)
_SUFFIXES = frozenset(
    [
        ".gif",
        ".dcm",
        ".dicom",
        ".heic",
        ".heif",
        ".avif",
        ".jp2",
        ".j2k",
        ".jxl",
        ".svs",
        ".ndpi",
        ".czi",
        ".lif",
        ".nd2",
        ".mrxs",
        ".scn",
        ".vsi",
        ".pdf",
        ".psd",
        ".raw",
        ".dng",
        ".nef",
        ".cr2",
        ".ico",
        ".tga",
        ".ppm",
        ".pgm",
        ".svg",
        ".exr",
        ".hdr",
    ]
)


def has_image_suffix(name: str) -> bool:
    """Tell whether a file is named like an image in any format, read or not.

    Args:
        name: Name of the file, with or without folders.
    """
    suffix = suffix_of(name)
    return suffix in SUFFIXES or suffix in _SUFFIXES


def is_image(head: bytes) -> bool:
    """Tell whether these are the first bytes of an image in any format, read or not."""
    return sniff(head) is not None or any(pattern.match(head) for _, pattern in _IMAGES)


def archive_kind(head: bytes) -> str:
    """The name of an archive format, or an empty text for other files."""
    return next((name for name, pattern in _ARCHIVES if pattern.match(head)), "")


def document_kind(name: str, head: bytes) -> str:
    """Name a document that is a ZIP inside, such as a Word file; "" for other files.

    Args:
        name: Name of the file; its suffix is used.
        head: The first `HEAD_BYTES` of the file.
    """
    if not ZIP.match(head):
        return ""
    if (suffix := suffix_of(name)) in DOCUMENT_SUFFIXES:
        return f"a {suffix} document"
    return "an office document or program" if head.startswith(_FIRST_NAMES, _NAME_AT) else ""


def why_not_read(head: bytes, name: str = "") -> str:
    """Say why a file is not read as an image, by its content, and what to do; no full stop.

    Args:
        head: The first `HEAD_BYTES` of the file.
        name: Name of the file, if it has one.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the image itself; fetch the images with git lfs pull"
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return "an HTML page saved as an image, perhaps an error of the server; download it again"
    if kind := document_kind(name, head):
        return f"{kind}, not an image; save the images in it as PNG"
    if kind := archive_kind(head):
        return f"a {kind} archive, not an image; unpack it first"
    if known := sniff(head):
        return (
            f"a {known.name} file that is damaged or of a rare kind; save it as PNG with 8 bits "
            "per channel"
        )
    if kind := next((name for name, pattern in _IMAGES if pattern.match(head)), ""):
        return f"in the format {kind}, {NOT_READ}; save it as PNG"
    return NOT_READ


def describe_left_out(counts: Counter[str]) -> str:
    """List which files were left out, such as "2 .txt, 1 without suffix"; "" if none were.

    Args:
        counts: Number of files by suffix, "" for none.
    """
    common = counts.most_common(MOST_KINDS)
    kinds = [f"{count} {kind or 'without suffix'}" for kind, count in common]
    rest = counts.total() - sum(count for _, count in common)
    return ", ".join(kinds + [f"{rest} of other kinds"] * bool(rest))
