"""The identity of one image: the hash of its file, the hash of its pixels, its official path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.errors import ImageError
from leukoscope.core.tables import text_column
from leukoscope.data.cnmc.recognize import official_file, official_path
from leukoscope.data.imaging.image import decode, read_bytes
from leukoscope.data.imaging.pixel_identity import pixel_sha256


@dataclass(frozen=True)
class Identity:
    """The identity of one image.

    Attributes:
        sha256: Hash of the file; "" if it cannot be read.
        pixels: Hash of what it shows, see `imaging.pixel_identity`; "" if it cannot be decoded, or
            has one color.
        official: Path of the image in C-NMC 2019; "" if it is not an official image.
    """

    sha256: str = ""
    pixels: str = ""
    official: str = ""

    @classmethod
    def of(cls, digest: str, image: NDArray[np.uint8] | None) -> "Identity":
        """Identify a file by its hash and its picture, uint8 (H, W, 3); None without a picture."""
        pixels = "" if image is None else pixel_sha256(image)
        return cls(digest, pixels, official_path(digest, image, pixels))


UNREAD = Identity()
"""Of a file that cannot be read."""


def identify(path: Path | str, known: Identity | None = None) -> Identity:
    """Identify a file.

    Args:
        path: The file.
        known: Its identity in a table, which is kept while the bytes are the same; it is decoded
            only if they are not, or its pixels are not known.
    """
    try:
        content = read_bytes(Path(path))
    except ImageError:
        return UNREAD
    digest = sha256(content).hexdigest()
    if known is not None and known.pixels and digest == known.sha256:
        found = official_file(digest)
        return replace(known, official=found.path) if found else known
    try:
        return Identity.of(digest, decode(content))
    except ImageError:
        return Identity.of(digest, None)


def known_identities(columns: Mapping[str, np.ndarray]) -> list[Identity | None]:
    """The identities that a table of cells holds, by row; None where one of the columns lacks."""
    names = ("sha256", "pixel_sha256", "official")
    if not set(names) <= set(columns):
        return [None] * len(columns["path"])
    rows = zip(*(columns[name] for name in names), strict=True)
    return [Identity(*map(str, row)) for row in rows]


def identity_columns(images: Sequence[Identity]) -> dict[str, np.ndarray]:
    """The columns of a cohort for the identities of its images."""
    return {
        "sha256": text_column([image.sha256 for image in images]),
        "pixel_sha256": text_column([image.pixels for image in images]),
        "official": text_column([image.official for image in images]),
    }
