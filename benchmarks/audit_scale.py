"""Search planted copies among synthetic fingerprints, to see how the audit's search grows.

Each synthetic cell is a fingerprint of noise with the spectrum of chromatin inside an outline of
its own, made again from its number whenever it is asked for, so that a million take no memory. A
hundredth of them are copies of others: turned, moved by up to two steps, with another gain and
noise of their own. Run: python -m benchmarks.audit_scale [--cells 10000 100000] [--jobs 2]
"""

import argparse
import resource
import time
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.data.audit import matching
from leukoscope.data.audit.fingerprint import (
    COARSE_BLUR,
    FINE_BLUR,
    MAX_SHADE,
    SHADE_GRID,
    TEXTURE_GRID,
    Fingerprint,
)
from leukoscope.data.audit.matching import ORIENTATIONS, find_matches, moved, oriented

COPIES = 100  # one of so many cells is a copy
NOISE = 0.5  # of the texture of a copy, in standard deviations: correlation about 0.9
GRID = np.mgrid[:TEXTURE_GRID, :TEXTURE_GRID] - (TEXTURE_GRID - 1) / 2


class Synthetic(Sequence[Fingerprint]):
    """Fingerprints made from their numbers; the last hundredth are copies of the first cells."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed
        self.originals = count - count // COPIES

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> Fingerprint:  # type: ignore[override]
        if row >= self.count:
            raise IndexError(row)
        rng = np.random.default_rng((self.seed, row))
        if row < self.originals:
            return _print(*_fields(rng))
        mask, level = _fields(np.random.default_rng((self.seed, row - self.originals)))
        turn, mirror = ORIENTATIONS[rng.integers(8)]
        down, right = (int(step) for step in rng.integers(-2, 3, 2))
        mask = moved(np.ascontiguousarray(oriented(mask, turn, mirror)), down, right)
        level = moved(np.ascontiguousarray(oriented(level, turn, mirror)), down, right)
        noise = cv2.GaussianBlur(rng.normal(size=level.shape).astype(np.float32), (0, 0), 1.0)
        return _print(mask, level * rng.uniform(0.8, 1.25) + NOISE * noise / noise.std())


def _fields(rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Outline and gray level of a cell, whose size and shape vary as those of C-NMC do."""
    angle, distance = np.arctan2(*GRID), np.hypot(*GRID)
    waves = sum(rng.normal(0, 0.05) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4))
    mask = distance < rng.normal(29, 3) * (1 + waves)
    white = rng.normal(size=(3, TEXTURE_GRID, TEXTURE_GRID)).astype(np.float32)
    level = np.zeros_like(white[0])
    for weight, sigma, field in zip((1.0, 1.6, 1.6), (1.2, 3.0, 7.0), white, strict=True):
        blurred = cv2.GaussianBlur(field, (0, 0), sigma)
        level += weight * blurred / blurred.std()
    level += rng.normal(0, 0.8) * (distance / 29).astype(np.float32)  # a pale or dark rim
    return mask, level


def _print(mask: NDArray[np.bool_], level: NDArray[np.float32]) -> Fingerprint:
    inside = mask.astype(np.float32)
    size = (SHADE_GRID, SHADE_GRID)
    cover = cv2.resize(inside, size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(level * inside, size, interpolation=cv2.INTER_AREA) / np.maximum(cover, 1e-3)
    middle = float((mean * cover).sum() / cover.sum())
    spread = float(np.sqrt(((mean - middle) ** 2 * cover).sum() / cover.sum()))
    shade = np.clip(mean - middle, -MAX_SHADE * spread, MAX_SHADE * spread) * cover
    band = cv2.GaussianBlur(level, (0, 0), FINE_BLUR) - cv2.GaussianBlur(level, (0, 0), COARSE_BLUR)
    texture = np.clip(np.round(band / band[mask].std() * 32), -127, 127) * mask
    return Fingerprint(
        (shade / np.linalg.norm(shade)).astype(np.float32),
        texture.astype(np.int8),
        mask,
        float(mask.sum()) * 9,
        (0.0, 0.0),
        True,
        3.0,
    )


def main() -> None:
    """Print a row for each number of cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--exact", action="store_true", help="compare every pair instead")
    options = parser.parse_args()
    matching.LARGE = 10**9 if options.exact else 0
    print(f"{'cells':>9}{'copies':>8}{'recall %':>10}{'false':>7}{'s':>8}{'cpu s':>8}{'GB':>7}")
    for count in options.cells:
        prints = Synthetic(count, 0)
        cv2.setNumThreads(1)
        start, work = time.perf_counter(), time.process_time()
        pairs = {(m.first, m.second) for m in find_matches(prints, jobs=options.jobs)}
        seconds, work = time.perf_counter() - start, time.process_time() - work
        planted = {(row - prints.originals, row) for row in range(prints.originals, count)}
        recall = 100 * len(pairs & planted) / len(planted)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        row = f"{count:>9,}{len(planted):>8,}{recall:>10.2f}{len(pairs - planted):>7,}"
        print(f"{row}{seconds:>8.0f}{work:>8.0f}{memory:>7.1f}", flush=True)


if __name__ == "__main__":
    main()
