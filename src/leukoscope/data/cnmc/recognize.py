"""Find the official image of C-NMC 2019 that equals a file or a picture.

A file is official by its sha256. A picture is official if it has the sha256 of an official file
when it is written as a BMP of one of the three official forms, so copies in another lossless format
are recognized without the official files. The pictures of `copies` are recognized turned and with
any margin too. Other changes of the pixels give another picture.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.cnmc.copies import PIXEL_DIGITS, by_pixels
from leukoscope.data.cnmc.official import DIGEST_BYTES, OfficialImage, official_images
from leukoscope.data.imaging.image import center

_TRAINING_HEADER = bytes.fromhex(
    "424dc6480900000000003600000028000000c2010000c2010000010018000000000090480900c30e0000"
    "c30e00000000000000000000"
)
_PRELIMINARY_HEADER = bytes.fromhex(
    "424d1a490900000000008a0000007c000000c2010000c2010000010018000000000090480900c30e0000"
    "c30e000000000000000000000000ff0000ff0000ff000000000000ff42475273000000000000000054b8"
    "1efc0000000000000000666666fc0000000000000000c4f528ff00000000000000000000000004000000"
    "000000000000000000000000"
)
_FINAL_HEADER = bytes.fromhex(
    "424df67a100000000000360000002800000058020000580200000100180000000000c07a100000000000"
    "000000000000000000000000"
)
_HEADERS = {450: (_TRAINING_HEADER, _PRELIMINARY_HEADER), 600: (_FINAL_HEADER,)}
"""Side in pixels to the headers of the BMP files of the training and the preliminary set, and of
the final set."""


@lru_cache(maxsize=1)
def _by_digest() -> dict[bytes, OfficialImage]:
    found: dict[bytes, OfficialImage] = {}
    for image in official_images():
        found.setdefault(image.digest, image)
    return found


def official_file(sha256: str) -> OfficialImage | None:
    """The official image with this sha256 (hexadecimal), or None."""
    try:
        return _by_digest().get(bytes.fromhex(sha256[: 2 * DIGEST_BYTES]))
    except ValueError:  # a table of a user may hold other text
        return None


def official_pictures(
    image: NDArray[np.uint8], sides: Iterable[int] = tuple(_HEADERS)
) -> Iterator[OfficialImage]:
    """Find the official files of which a picture has the pixels.

    Args:
        image: uint8 (H, W, 3), RGB.
        sides: The frames to try, in pixels; the picture is cut or padded with black to each.

    Yields:
        At most one official image of each set.
    """
    for side in sides:
        rows = _rows(center(image, side))
        for header in _HEADERS[side]:
            digest = hashlib.sha256(header + rows).digest()[:DIGEST_BYTES]
            if digest in _by_digest():
                yield _by_digest()[digest]


def official_path(sha256: str, image: NDArray[np.uint8] | None, pixel_sha256: str) -> str:
    """The official path of an image, by its bytes or its pixels; "" if it is not official.

    Args:
        sha256: Hash of the file, "" if unknown.
        image: The decoded picture, uint8 (H, W, 3); None if it cannot be decoded.
        pixel_sha256: Its hash, "" if unknown.
    """
    if found := official_file(sha256):
        return found.path
    if copy := by_pixels().get(pixel_sha256[:PIXEL_DIGITS]):
        return copy.training
    side = len(image) if image is not None and image.shape[0] == image.shape[1] else 0
    if image is None or not pixel_sha256 or side not in _HEADERS:
        return ""  # the frame of a copy is that of the file, and three more hashes would take long
    return next((found.path for found in official_pictures(image, [side])), "")


def _rows(square: NDArray[np.uint8]) -> bytes:
    """The pixels as a BMP holds them: bottom row first, BGR, rows padded to 4 bytes."""
    rows = square[::-1, :, ::-1].reshape(len(square), -1)
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).tobytes()
