"""The images that a model was trained on, as truncated hashes in its card.

Each image has two: one of its file, and one of its pixels (`imaging.pixel_identity`), by which a
copy in another format is recognized. Among 10,000 training images a new image has the hash of one
by chance with probability 10^4 / 2^64, about 5e-16, and 1e-15 for both hashes.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from leukoscope.data.cnmc.copies import copies

HASH_BYTES = 8


@dataclass(frozen=True)
class SeenImages:
    """The images that a model was trained or calibrated on.

    Attributes:
        files: Truncated sha256 of the files.
        pixels: Truncated sha256 of the pixels; empty in a card before schema 4, by which only
            identical files are recognized.
    """

    files: frozenset[int]
    pixels: frozenset[int]

    @classmethod
    def with_known_copies(cls, files: Iterable[int], pixels: Iterable[int]) -> "SeenImages":
        """Add the official files and pictures of C-NMC that show one of these; see `cnmc.copies`.

        Each picture that is in two official parts is known by the file of either part, in any
        lossless format, from any of its hashes.
        """
        known, shown = frozenset(files), frozenset(pixels)
        for copy in copies():
            both, pixel = {_leading(one) for one in copy.digests}, truncate_start(copy.pixels)
            if both & known or pixel in shown:
                known, shown = known | both, shown | {pixel}
        return cls(known, shown)

    def has(self, sha256: str, pixel_sha256: str = "") -> bool:
        """Whether an image with these hashes is one of them; "" for a hash that is not known."""
        by_file = bool(sha256) and truncate(sha256) in self.files
        return by_file or (bool(pixel_sha256) and truncate(pixel_sha256) in self.pixels)


def _leading(digest: bytes) -> int:
    return int.from_bytes(digest[:HASH_BYTES], "big")


def truncate(sha256: str) -> int:
    """The first 8 bytes of a hexadecimal sha256 as an integer.

    By the birthday bound two of 10^6 images collide by chance with probability 3e-8.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ValueError(f"expected a sha256 of 64 hexadecimal digits, got {sha256!r:.80}")
    return truncate_start(sha256)


def truncate_start(digits: str) -> int:
    """The same of the first digits of a sha256, 16 or more."""
    return int(digits[: 2 * HASH_BYTES], 16)


def pack_hashes(sha256s: Iterable[str]) -> str:
    """Sorted, distinct, truncated hashes as base64: 11 characters an image."""
    values = sorted({truncate(sha256) for sha256 in sha256s})
    return base64.b64encode(np.array(values, dtype=">u8").tobytes()).decode()


def unpack_hashes(text: str, field: str = "training.hashes") -> np.ndarray:
    """The hashes that `pack_hashes` packed, as a sorted uint64 array; `field` is for messages.

    Raises:
        ValueError: if the text is not base64 of whole, sorted, distinct hashes.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{field} is not base64") from None
    if len(raw) % HASH_BYTES:
        raise ValueError(f"{field} is cut short")
    values = np.frombuffer(raw, dtype=">u8").astype(np.uint64)
    if not np.all(values[1:] > values[:-1]):
        raise ValueError(f"{field} is not sorted")
    return values
