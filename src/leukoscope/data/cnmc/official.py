"""The official C-NMC 2019 manifest in the package: name, size and digest of every image.

`official_manifest.npz` holds three arrays, no pickle: `paths` (uint8, the UTF-8 paths joined by
newlines), `sizes` (uint32, bytes of each file) and `digests` (uint8 `[N, 16]`). A digest is the
first 16 bytes of the file's SHA-256: 128 bits halve the file, and neither an accidental match nor a
forged file with an official digest is feasible. `tools/build_manifest.py` writes it from a CSV of
path, sha256 and bytes.
"""

from collections import defaultdict
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
"""Official folder to the usual name of the subset, in the order of the data set."""


@dataclass(frozen=True)
class OfficialImage:
    """One image as published by The Cancer Imaging Archive.

    Attributes:
        path: Official path with forward slashes, starting with `C-NMC_Leukemia/`.
        size: Size of the file in bytes.
        digest: First 16 bytes of its SHA-256.
    """

    path: str
    size: int
    digest: bytes

    @property
    def name(self) -> str:
        """File name without folders."""
        return self.path.rsplit("/", 1)[1]

    @property
    def part(self) -> str:
        """Subset of the data set that the image belongs to, a value of `PARTS`."""
        return PARTS[self.path.split("/")[2]]


@lru_cache(maxsize=1)
def official_images() -> tuple[OfficialImage, ...]:
    """Read all 15,114 official images, ordered by path."""
    source = files("leukoscope.data.cnmc") / "official_manifest.npz"
    with source.open("rb") as stream, np.load(stream, allow_pickle=False) as packed:
        paths = packed["paths"].tobytes().decode().split("\n")
        sizes = packed["sizes"].tolist()
        digests = packed["digests"]
    return tuple(
        OfficialImage(path, size, digest.tobytes())
        for path, size, digest in zip(paths, sizes, digests, strict=True)
    )


@lru_cache(maxsize=1)
def identical_files() -> dict[str, frozenset[str]]:
    """The official paths that share their bytes with others, each with the paths of the same file.

    106 files are in the data set twice, 101 of them under two subject ids.
    """
    paths: dict[bytes, set[str]] = defaultdict(set)
    for image in official_images():
        paths[image.digest].add(image.path)
    repeated = (frozenset(same) for same in paths.values() if len(same) > 1)
    return {path: same for same in repeated for path in same}


def pack_manifest(images: Sequence[OfficialImage], target: Path) -> None:
    """Write the packed manifest that `official_images` reads; the same images give the same bytes.

    Args:
        images: The official images, in any order.
        target: The `.npz` file to write.
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
