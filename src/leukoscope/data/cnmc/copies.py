"""Images of subject 51 that are in two official parts of C-NMC 2019, pixel for pixel.

22 training images of subject 51 are in the preliminary test set (6, there of subject 55) or in the
final one (16, padded with black to 600 x 600). The bytes differ, because the parts have other BMP
headers, so hashes of files do not show it. `tools/cross_set_copies.py DIR` finds them again: it
writes each training image as a file of both test sets and looks its sha256 up in the manifest.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from leukoscope.data.cnmc.cnmc import FINAL, PRELIMINARY
from leukoscope.data.cnmc.official import PARTS, official_images

SUBJECT = "51"
SAME_PERSON = frozenset({SUBJECT, "55", "75", "78"})
"""Subject ids of the person of these images: 55 in the preliminary test set, the others in the
training set, where the audit links them by cells that they share."""
COPIES = {
    PRELIMINARY: (
        (49, 1, 944, "2d7a00e768ba368435251bd9ef4ebe73"),
        (49, 3, 660, "26ff39b211086329c56730984b227a99"),
        (59, 1, 1023, "82f0c4a19a664003fee5e10edaeae106"),
        (59, 2, 59, "f6f5d5eb2db45aed81a14cfd37fc7931"),
        (74, 1, 385, "3e2e9509e93a90ee49e2085519b823d4"),
        (134, 2, 1359, "ec1565123aff96f1f93fee29db9ea022"),
    ),
    FINAL: (
        (8, 8, 1322, "c709b9900445f1da89daef0762c9b619"),
        (8, 9, 397, "842327143c44d2001e3864e669e084c5"),
        (12, 1, 1682, "7e2968f74d73cefad0986b4df1114cb4"),
        (12, 2, 1603, "6621d62c7d603609940c70c615ff2990"),
        (47, 2, 2522, "f009a5141abc384006aa8e300be91d7a"),
        (47, 5, 1374, "428071c82067e8a588566f40498c3af0"),
        (47, 6, 1857, "55f7733be7ded02a6bae7c021f614618"),
        (82, 1, 1132, "8db5e7eecc552f45f9612529f66e7937"),
        (82, 3, 2246, "f413999633620513d87a3e5075ef906d"),
        (82, 4, 575, "e956acbd549956defc4bf59c0dd35771"),
        (82, 5, 1796, "53dae9fc2ecb2afff9c45f8e99c09b75"),
        (97, 6, 2413, "1dc80c9709b865c58337a53a8637e0e8"),
        (131, 1, 1141, "6fd791be9f9b0e5121ffbaef0d61189c"),
        (147, 3, 1673, "e8a9e51fb0658007237f424be7962e38"),
        (147, 4, 1, "01da0cdab8184bfd69a0e4a01b8cf4ee"),
        (147, 6, 1563, "3eb8325edf08a3792dbba72b9e0f7bd6"),
    ),
}
"""Test set to its copies: image and cell number in `UID_51_<image>_<cell>_all.bmp`, the number of
the file in the test set, and the start of the hash of the pixels of both (`pixel_sha256`)."""
PIXEL_DIGITS = 32


@dataclass(frozen=True)
class Copy:
    """One picture in two official parts.

    Attributes:
        training: Official path of the training image.
        test: Official path of the image in a test set.
        digests: The digests of both files, in this order.
        pixels: The first `PIXEL_DIGITS` hexadecimal digits of the `pixel_sha256` of both.
    """

    training: str
    test: str
    digests: tuple[bytes, bytes]
    pixels: str

    def other(self, official: str) -> str:
        """The official path of the other side."""
        return self.training if official == self.test else self.test


@lru_cache(maxsize=1)
def copies() -> tuple[Copy, ...]:
    """The 22 pictures that are in two official parts."""
    images = {(image.path.split("/")[2], image.name): image for image in official_images()}
    training = {name: image for (_, name), image in images.items() if name.startswith("UID_")}
    pairs = [
        (training[f"UID_{SUBJECT}_{image}_{cell}_all.bmp"], images[part, f"{number}.bmp"], pixels)
        for part, rows in COPIES.items()
        for image, cell, number, pixels in rows
    ]
    return tuple(
        Copy(one.path, other.path, (one.digest, other.digest), pixels)
        for one, other, pixels in pairs
    )


@lru_cache(maxsize=1)
def known_copies() -> dict[bytes, bytes]:
    """Digest of each official file with a copy in another part, to the digest of that copy."""
    pairs = [copy.digests for copy in copies()]
    return dict(pairs) | {second: first for first, second in pairs}


@lru_cache(maxsize=1)
def by_official_path() -> dict[str, Copy]:
    """Official path of each of the 44 files to its picture."""
    return {path: copy for copy in copies() for path in (copy.training, copy.test)}


@lru_cache(maxsize=1)
def by_pixels() -> dict[str, Copy]:
    """The first digits of the `pixel_sha256` of each of the 22 pictures to the picture."""
    return {copy.pixels: copy for copy in copies()}


def found_copies(officials: Iterable[str]) -> dict[str, str]:
    """The images with a copy in another official part, with the official path of that copy.

    Args:
        officials: Official paths of the given images; "" for other images.
    """
    known = by_official_path()
    present = sorted({path for path in officials if path in known})
    return {path: known[path].other(path) for path in present}


def copies_note(officials: Collection[str]) -> list[str]:
    """A line on the given images that have a copy in another official part; none without any.

    Args:
        officials: Official paths of the given images; "" for other images.
    """
    found = found_copies(officials)
    if not found:
        return []
    counts = Counter(PARTS[path.split("/")[2]] for path in found)
    parts = ", ".join(f"{count} in {part}" for part, count in counts.items())
    both = sum(copy in found for copy in found.values()) // 2
    ids = " ".join(sorted(SAME_PERSON))
    return [
        f"{len(found)} of these images ({parts}) are in two official parts of C-NMC 2019, pixel "
        f"for pixel; both copies of {both} pictures are present. They are of subject {SUBJECT}, so "
        f"the subjects {ids} are one person."
    ]


def known_persons(subjects: Sequence[str] | np.ndarray, officials: Iterable[str]) -> dict[int, str]:
    """The rows that are of the person of subject 51, each with that id.

    Args:
        subjects: Subject id of each row, "" if unknown.
        officials: Official path of each row, "" for other images.

    Returns:
        Row to the subject id: official images of the subjects `SAME_PERSON`, and known copies
        whatever their subject.
    """
    known = by_official_path()
    return {
        row: SUBJECT
        for row, (subject, path) in enumerate(zip(subjects, officials, strict=True))
        if path in known or (path and subject in SAME_PERSON)
    }
