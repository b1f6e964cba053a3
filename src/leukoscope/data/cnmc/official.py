"""The official C-NMC 2019 manifest: name, size and digest of every image, as the package ships it.

`official_manifest.npz` holds three arrays, no pickle: `paths` (uint8, the UTF-8 paths joined by
newlines), `sizes` (uint32, bytes of each file) and `digests` (uint8 `[N, 16]`). A digest is the
first 16 bytes of the file's SHA-256: 128 bits, which halves the file and leaves both an accidental
match and a made-up file with an official digest out of reach. `tools/build_manifest.py` writes it
from a CSV of path, sha256 and bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from leukoscope.core.files import atomic_path
from leukoscope.data.cnmc.cnmc import FINAL, PRELIMINARY

DIGEST_BYTES = 16
TOP_FOLDER = "C-NMC_Leukemia"
PARTS = {
    "fold_0": "training fold 0",
    "fold_1": "training fold 1",
    "fold_2": "training fold 2",
    PRELIMINARY: "preliminary test",
    FINAL: "final test",
}
"""Official folder -> what people call it, in the order of the data set."""


@dataclass(frozen=True)
class OfficialImage:
    """One image as The Cancer Imaging Archive published it.

    Attributes:
        path: Official place, with forward slashes, from `C-NMC_Leukemia/` on.
        size: Length of the file in bytes.
        digest: First 16 bytes of its SHA-256.
    """

    path: str
    size: int
    digest: bytes

    @property
    def name(self) -> str:
        """The file name without its folders."""
        return self.path.rsplit("/", 1)[1]

    @property
    def part(self) -> str:
        """Which part of the data set it belongs to, a value of `PARTS`."""
        return PARTS[self.path.split("/")[2]]


@lru_cache(maxsize=1)
def official_images() -> tuple[OfficialImage, ...]:
    """All 15,114 official images, ordered by path."""
    source = files("leukoscope.data.cnmc") / "official_manifest.npz"
    with source.open("rb") as stream, np.load(stream, allow_pickle=False) as packed:
        paths = packed["paths"].tobytes().decode().split("\n")
        sizes = packed["sizes"].tolist()
        digests = packed["digests"]
    return tuple(
        OfficialImage(path, size, digest.tobytes())
        for path, size, digest in zip(paths, sizes, digests, strict=True)
    )


def pack_manifest(images: Sequence[OfficialImage], target: Path) -> None:
    """Write the packed manifest that `official_images` reads; the same images give the same bytes.

    Args:
        images: The official images, in any order.
        target: The `.npz` to write.
    """
    ordered = sorted(images, key=lambda image: image.path)
    joined = "\n".join(image.path for image in ordered).encode()
    digests = b"".join(image.digest for image in ordered)
    with atomic_path(target) as temporary:
        np.savez_compressed(
            temporary,
            paths=np.frombuffer(joined, np.uint8),
            sizes=np.array([image.size for image in ordered], np.uint32),
            digests=np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES),
        )
