"""Recognize archives and images by their first bytes; names and declared types are not used."""

from leukoscope.data.imaging.formats import sniff
from leukoscope.data.imaging.other_files import ZIP


def is_zip(head: bytes) -> bool:
    """Tell whether these are the first bytes of a ZIP."""
    return ZIP.match(head) is not None


def media_type(head: bytes) -> str:
    """The media type of an image with these first bytes; `application/octet-stream` otherwise."""
    image = sniff(head)
    return image.media_type if image else "application/octet-stream"
