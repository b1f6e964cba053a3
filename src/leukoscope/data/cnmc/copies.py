"""Images of subject 51 that stand in two official parts of C-NMC 2019, pixel for pixel.

22 training images of subject 51 are in the preliminary test set (6, there of subject 55) or in the
final one (16, padded with black to 600 x 600). The bytes differ, because the parts have other BMP
headers, so hashes of files do not show it. `tools/cross_set_copies.py DIR` finds them again: it
writes each training image as a file of both test sets and looks its sha256 up in the manifest.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.cnmc.cnmc import FINAL, PRELIMINARY
from leukoscope.data.cnmc.official import DIGEST_BYTES, OfficialImage, official_images
from leukoscope.data.imaging.image import center

SUBJECT = "51"
COPIES = {
    PRELIMINARY: (
        (49, 1, 944),
        (49, 3, 660),
        (59, 1, 1023),
        (59, 2, 59),
        (74, 1, 385),
        (134, 2, 1359),
    ),
    FINAL: (
        (8, 8, 1322),
        (8, 9, 397),
        (12, 1, 1682),
        (12, 2, 1603),
        (47, 2, 2522),
        (47, 5, 1374),
        (47, 6, 1857),
        (82, 1, 1132),
        (82, 3, 2246),
        (82, 4, 575),
        (82, 5, 1796),
        (97, 6, 2413),
        (131, 1, 1141),
        (147, 3, 1673),
        (147, 4, 1),
        (147, 6, 1563),
    ),
}
"""Test set to its copies: image and cell number in `UID_51_<image>_<cell>_all.bmp`, and the number
of the file in the test set."""

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
_HEADERS = {PRELIMINARY: (450, _PRELIMINARY_HEADER), FINAL: (600, _FINAL_HEADER)}


@lru_cache(maxsize=1)
def known_copies() -> dict[bytes, bytes]:
    """Digest of each official file with a copy in another part, to the digest of that copy."""
    digests = {(_part(image), image.name): image.digest for image in official_images()}
    training = {name: digest for (_, name), digest in digests.items() if name.startswith("UID_")}
    pairs = {
        training[f"UID_{SUBJECT}_{image}_{cell}_all.bmp"]: digests[part, f"{number}.bmp"]
        for part, copies in COPIES.items()
        for image, cell, number in copies
    }
    return pairs | {copy: original for original, copy in pairs.items()}


def subjects_of_copies(sha256s: Iterable[str]) -> dict[int, str]:
    """The rows that are known copies, each with the subject id of the training set."""
    known = known_copies()
    size = 2 * DIGEST_BYTES
    try:
        digests = [bytes.fromhex(text[:size]) for text in sha256s]
    except ValueError:  # a table of a user may have other names for files
        return {}
    return {row: SUBJECT for row, digest in enumerate(digests) if digest in known}


def find_copies(image: NDArray[np.uint8]) -> Iterator[OfficialImage]:
    """Find the files of the official test sets that show a picture.

    Args:
        image: uint8 (H, W, 3), RGB, for example a training image.

    Yields:
        The official images whose sha256 the picture has when it is written as such a file.
    """
    known = {found.digest: found for found in official_images()}
    for side, header in _HEADERS.values():
        digest = hashlib.sha256(header + _rows(center(image, side))).digest()[:DIGEST_BYTES]
        if digest in known:
            yield known[digest]


def _rows(square: NDArray[np.uint8]) -> bytes:
    """The pixels as a BMP holds them: bottom row first, BGR, rows padded to 4 bytes."""
    rows = square[::-1, :, ::-1].reshape(len(square), -1)
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).tobytes()


def _part(image: OfficialImage) -> str:
    return image.path.split("/")[2]
