"""The audit's speed, and the copies that it finds, beside perceptual hashes of all pairs.

Cells of a folder and turned, shifted, recolored copies of some of them, as BMP like C-NMC's.

    python benchmarks/audit_speed.py FOLDER [--images 600] [--every 10] [--rounds 3]
        [--peers PYTHON]
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from peers import Peer
from simulated_copies import COPIES
from timing import Table, alternate

from leukoscope.core.cores import usable_cores
from leukoscope.data.audit.audit import audit
from leukoscope.data.imaging.image import decode
from leukoscope.data.readers.layout import read_cohort
from leukoscope.inference.sources import expand

WAY = "imagehash, eight orientations, all pairs"
CHANGES = ("shift", "turn", "gain")

Pairs = set[tuple[int, int]]


def plant(folder: Path, sources: list[Path], every: int) -> tuple[list[Path], Pairs]:
    """Write cells and copies of some of them; the paths, and the pairs of rows to find."""
    rng = np.random.default_rng(0)
    (folder / "all").mkdir()
    paths: list[Path] = []

    def write(image: np.ndarray) -> int:
        paths.append(folder / "all" / f"{len(paths)}.bmp")
        cv2.imwrite(str(paths[-1]), image[..., ::-1])
        return len(paths) - 1

    planted = set()
    for number, source in enumerate(sources):
        image = decode(source)
        row = write(image)
        if number % every == 0:
            for change in CHANGES:
                image = COPIES[change](image, rng)
            planted.add((row, write(image)))
    return paths, planted


def audited(paths: list[Path]) -> Pairs:
    """The pairs of rows that the audit links."""
    found = audit(read_cohort(paths[0].parents[1]), jobs=usable_cores()).pairs
    rows = {str(path): row for row, path in enumerate(paths)}
    pairs = zip(found["path_a"], found["path_b"], strict=True)
    return {(min(pair), max(pair)) for pair in ((rows[str(a)], rows[str(b)]) for a, b in pairs)}


def measure(args: argparse.Namespace) -> Table:
    """Measure both rows."""
    with tempfile.TemporaryDirectory() as folder:
        listed = [source.path for source in expand([args.folder]) if not source.problem]
        chosen = listed[:: max(1, len(listed) // args.images)][: args.images]
        paths, planted = plant(Path(folder), chosen, args.every)
        ways: dict[str, Callable[[], Pairs]] = {"leukoscope audit": lambda: audited(paths)}
        if args.peers:
            peer = Peer(args.peers, WAY, paths)
            ways[WAY] = lambda: {(first, second) for first, second in peer.run()}
        notes = {}

        def rate(name: str) -> float:
            start = time.perf_counter()
            found = ways[name]()
            took = time.perf_counter() - start
            notes[name] = (
                f"{len(found & planted)} of {len(planted)} copies, {len(found - planted)} others"
            )
            return len(paths) / took

        values = alternate({name: lambda n=name: rate(n) for name in ways}, args.rounds)
        if args.peers:
            peer.close()
    title = f"Audit: {len(paths)} images, {len(planted)} of them copies"
    return Table(title, "images/s", values, "leukoscope audit", notes=notes)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--every", type=int, default=10, help="one of so many cells gets a copy")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="Python of the environment of `make bench`")
    print(measure(parser.parse_args()).text())


if __name__ == "__main__":
    main()
