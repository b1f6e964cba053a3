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
from functools import cached_property, lru_cache

import numpy as np

from leukoscope.data.cnmc.copies import Copy, copies
from leukoscope.data.cnmc.official import official_images

HASH_BYTES = 8


@dataclass(frozen=True)
class SeenImages:
    """The images that a model was trained or calibrated on.

    Attributes:
        files: Truncated sha256 of the files.
        pixels: Truncated sha256 of the pixels; in a card before schema 4 only those of known
            copies, so that other images are recognized by their files alone.
        complete: `pixels` has those of every image.
    """

    files: frozenset[int]
    pixels: frozenset[int]
    complete: bool = False

    @classmethod
    def with_known_copies(cls, files: Iterable[int], pixels: Iterable[int]) -> "SeenImages":
        """Add the official files and pictures of C-NMC that show one of these; see `cnmc.copies`.

        Each picture that is in two official parts is known by the file of either part, in any
        lossless format, from any of its hashes. The official list is read only where the hash of
        the pixels cannot answer.
        """
        own = frozenset(pixels)
        seen = cls(frozenset(files), own, complete=bool(own))
        if seen.pixels or not seen.files:
            return seen
        copied = seen._copied_files
        shown = {truncate_start(c.pixels) for c in copies() if _digests(c) & copied}
        return cls(seen.files | copied, frozenset(shown))

    @cached_property
    def _copied_files(self) -> frozenset[int]:
        """The official files that show one of the images, of pictures in two official parts."""
        pairs = [(_digests(copy), truncate_start(copy.pixels)) for copy in copies()]
        seen = [both for both, pixel in pairs if both & self.files or pixel in self.pixels]
        return frozenset().union(*seen)

    def has_file(self, sha256: str) -> bool:
        """True if a file with this hash is one of them; for an image whose pixels were compared."""
        return bool(sha256) and truncate(sha256) in self.files

    def has(self, sha256: str, pixel_sha256: str = "") -> bool:
        """True if an image with these hashes is one of them; "" for an unknown hash."""
        if self.has_file(sha256):
            return True
        if pixel_sha256:
            return truncate(pixel_sha256) in self.pixels
        return bool(sha256 and self.pixels) and truncate(sha256) in self._copied_files


def _digests(copy: Copy) -> frozenset[int]:
    return frozenset(int.from_bytes(one[:HASH_BYTES], "big") for one in copy.digests)


@lru_cache(maxsize=1)
def official_files() -> frozenset[int]:
    """The truncated sha256 of all official files of C-NMC 2019."""
    return frozenset(int.from_bytes(one.digest[:HASH_BYTES], "big") for one in official_images())


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
    return _packed(truncate(sha256) for sha256 in sha256s)


def merge_hashes(*packed: str) -> str:
    """The hashes of several texts of `pack_hashes` in one."""
    return _packed(value for text in packed for value in unpack_hashes(text).tolist())


def _packed(hashes: Iterable[int]) -> str:
    values = sorted(set(hashes))
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
