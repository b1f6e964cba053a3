"""Copies of one image among the cells of a subject, by their pixels: each image counts once."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

PIXELS = "pixels"
"""The entry of a row with the start of the `pixel_sha256` of its image; "" where it is unknown."""
PIXEL_DIGITS = 16
"""Hexadecimal digits of that entry: enough to tell the images of one subject apart."""


class Images:
    """The images of one subject that were counted already."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def add(self, pixels: str) -> bool:
        """Count an image; False for a copy of an earlier one.

        Args:
            pixels: Its `pixel_sha256`, see `data.imaging.pixel_identity`; "" is no copy of another.
        """
        if not pixels:
            return True
        before = len(self._seen)
        self._seen.add(hash(pixels[:PIXEL_DIGITS]))
        return len(self._seen) > before


def counted_once(subjects: Iterable[str], pixels: Iterable[str]) -> NDArray[np.bool_]:
    """Mask of the first image of each picture of a subject, bool (N,); copies are False.

    Args:
        subjects: The subject or person of each image.
        pixels: The `pixel_sha256` of each image, "" where unknown.
    """
    images: dict[str, Images] = {}
    pairs = zip(subjects, pixels, strict=True)
    return np.array([images.setdefault(who, Images()).add(name) for who, name in pairs], bool)
