"""The images that a model was trained on, as truncated hashes in its card."""

import base64
import binascii
import re
from collections.abc import Iterable

import numpy as np

HASH_BYTES = 8


def truncate(sha256: str) -> int:
    """The first 8 bytes of a hexadecimal sha256 as an integer.

    By the birthday bound two of 10^6 images collide by chance with probability 3e-8.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ValueError(f"expected a sha256 of 64 hexadecimal digits, got {sha256!r:.80}")
    return int(sha256[: 2 * HASH_BYTES], 16)


def pack_hashes(sha256s: Iterable[str]) -> str:
    """Sorted, distinct, truncated hashes as base64: 11 characters an image."""
    values = sorted({truncate(sha256) for sha256 in sha256s})
    return base64.b64encode(np.array(values, dtype=">u8").tobytes()).decode()


def unpack_hashes(text: str) -> np.ndarray:
    """The hashes that `pack_hashes` packed, as a sorted uint64 array.

    Raises:
        ValueError: if the text is not base64 of whole, sorted, distinct hashes.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("training.hashes is not base64") from None
    if len(raw) % HASH_BYTES:
        raise ValueError("training.hashes is cut short")
    values = np.frombuffer(raw, dtype=">u8").astype(np.uint64)
    if not np.all(values[1:] > values[:-1]):
        raise ValueError("training.hashes is not sorted")
    return values
