"""Candidates for pairs of images of one cell in large cohorts, in about n log n steps.

Each fingerprint becomes a vector: its shade on 12 x 12 and its texture on 24 x 24 places, which
keep what a shift of the nucleus by some steps leaves alike. The vectors are projected onto the main
axes of a sample (the same for all eight orientations) and searched by a graph of neighbors (HNSW;
Malkov and Yashunin, 2018; library usearch). The graph is built in one thread, so that the same
cells give the same result.

Among more cells, more unrelated cells are neighbors. Therefore the coarse textures of each pair of
neighbors are compared before their fingerprints are read, which costs some microseconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.core.progress import track
from leukoscope.core.sampling import evenly_spread
from leukoscope.data.audit.fingerprint import Fingerprint

SHADE_SIDE, TEXTURE_SIDE = 12, 24
LENGTH = SHADE_SIDE**2 + TEXTURE_SIDE**2
AXES = 96
SAMPLE = 2000  # fingerprints from which the axes come
NEIGHBORS = 8  # of each cell in each orientation
LEAST = 0.6  # cosine of the vectors from which a pair is a candidate; copies have 0.7 or more
LEAST_TEXTURE = 0.6  # correlation of the coarse textures; copies have 0.68 or more
SLIDE = 1  # steps by which one coarse texture is moved over the other
BLOCK = 4096
CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 128, 96

Vectors = NDArray[np.float16]
Orientation = tuple[int, bool]


def describe(
    prints: Sequence[Fingerprint],
) -> tuple[Vectors, NDArray[np.float64], NDArray[np.bool_]]:
    """Vectors (N, 720), areas (N,) and whether an outline shows (N,), each print being read once.

    Both parts of a vector have norm 1.
    """
    vectors = np.empty((len(prints), LENGTH), np.float16)
    areas, framed = np.empty(len(prints)), np.empty(len(prints), bool)
    for row, one in enumerate(track(prints, "Describing cells", total=len(prints))):
        vectors[row], areas[row], framed[row] = vector_of(one), one.area, one.framed
    return vectors, areas, framed


def vector_of(one: Fingerprint) -> Vectors:
    """The vector of one fingerprint, float16 (720,)."""
    size = (SHADE_SIDE, SHADE_SIDE)
    shade = cv2.resize(one.shade, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(one.texture.astype(np.float32), (0, 0), 1.5)
    size = (TEXTURE_SIDE, TEXTURE_SIDE)
    texture = cv2.resize(blurred, size, interpolation=cv2.INTER_AREA)
    parts = [np.asarray(part, np.float32).ravel() for part in (shade, texture)]
    return np.concatenate([part / max(float(np.linalg.norm(part)), 1e-9) for part in parts]).astype(
        np.float16
    )


def turned(vectors: Vectors, orientation: Orientation) -> NDArray[np.float32]:
    """The vectors of the cells mirrored and turned, float32 (N, 720)."""
    turn, mirror = orientation
    parts = []
    for side, part in zip(
        (SHADE_SIDE, TEXTURE_SIDE), np.split(vectors, [SHADE_SIDE**2], axis=1), strict=True
    ):
        grid = part.reshape(-1, side, side)
        grid = np.rot90(grid[..., ::-1] if mirror else grid, turn, (-2, -1))
        parts.append(grid.reshape(len(vectors), -1))
    return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Neighbors:
    """A searchable set of vectors.

    Attributes:
        axes: float32 (720, d), onto which vectors are projected.
        index: The graph of usearch.
    """

    axes: NDArray[np.float32]
    index: "object"

    def search(
        self, vectors: Vectors, orientation: Orientation, jobs: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of turned vectors and of their neighbors that are alike enough, (M,) each."""
        queries = _projected(turned(vectors, orientation), self.axes)
        found = self.index.search(queries, NEIGHBORS + 1, threads=jobs)  # type: ignore[attr-defined]
        keys = found.keys.reshape(len(vectors), -1)
        near = found.distances.reshape(keys.shape) < 1 - LEAST  # nan where there are too few
        rows, places = np.nonzero(near)
        return rows.astype(np.int64), keys[rows, places].astype(np.int64)


def build(vectors: Vectors, orientations: Sequence[Orientation]) -> Neighbors:
    """Build the graph of all vectors."""
    from usearch.index import Index

    axes = _axes(vectors, orientations)
    index = Index(
        ndim=axes.shape[1],
        metric="ip",
        dtype="f16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )
    starts = range(0, len(vectors), BLOCK)
    for start in track(starts, "Indexing cells", total=len(starts)):
        block = _projected(vectors[start : start + BLOCK].astype(np.float32), axes)
        index.add(np.arange(start, start + len(block)), block, threads=1)
    return Neighbors(axes, index)


def near_pairs(
    vectors: Vectors, orientations: Sequence[Orientation], jobs: int
) -> Iterator[tuple[int, int, int]]:
    """Pairs of rows that are near in an orientation and of similar texture, each once, in order.

    Yields:
        First row, second row (larger), number of the orientation of the first relative to the
        second.
    """
    if len(vectors) < 2:
        return
    neighbors = build(vectors, orientations)
    inverse = [  # from the other cell a turn goes the other way; a mirror is its own inverse
        orientations.index((turn if mirror else -turn % 4, mirror)) for turn, mirror in orientations
    ]
    count, found = len(vectors), [np.empty(0, np.int64)]
    starts = range(0, count, BLOCK)
    for start in track(starts, "Searching cells", total=len(starts)):
        block = vectors[start : start + BLOCK]
        for number, orientation in enumerate(orientations):
            rows, others = neighbors.search(block, orientation, jobs)
            similar = _similar_textures(block, rows, vectors, others, orientation)
            rows, others = rows[similar] + start, others[similar]
            swapped = rows > others
            numbers = np.where(swapped, inverse[number], number)
            low, high = np.minimum(rows, others), np.maximum(rows, others)
            keys = (low * count + high) * len(orientations) + numbers
            found.append(np.unique(keys[low < high]))
    for key in np.unique(np.concatenate(found)).tolist():
        pair, number = divmod(key, len(orientations))
        yield *divmod(pair, count), number


def _similar_textures(
    block: Vectors,
    rows: NDArray[np.int64],
    vectors: Vectors,
    others: NDArray[np.int64],
    orientation: Orientation,
) -> NDArray[np.bool_]:
    """Select the pairs of a turned row of the block and another row with similar textures (M,)."""
    similar = np.zeros(len(rows), bool)
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        ours = _textures(turned(block[rows[part]], orientation))
        best = slid_correlation(ours, _textures(vectors[others[part]].astype(np.float32)))
        similar[part] = best >= LEAST_TEXTURE
    return similar


def _textures(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors[:, SHADE_SIDE**2 :].reshape(-1, TEXTURE_SIDE, TEXTURE_SIDE)


def slid_correlation(ours: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Highest correlation of two textures (M, S, S) with one moved by up to `SLIDE` steps, (M,)."""
    best = np.full(len(ours), -1, np.float32)
    side = ours.shape[-1]
    steps = range(-SLIDE, SLIDE + 1)
    for down, right in ((down, right) for down in steps for right in steps):
        here = (slice(max(down, 0), side + down), slice(max(right, 0), side + right))
        there = (slice(max(-down, 0), side - down), slice(max(-right, 0), side - right))
        product = np.einsum("mij,mij->m", ours[:, *here], others[:, *there])
        np.maximum(best, product, out=best)
    return best


def _projected(vectors: NDArray[np.float32], axes: NDArray[np.float32]) -> NDArray[np.float32]:
    projected = vectors @ axes
    norms = np.linalg.norm(projected, axis=1, keepdims=True)
    return np.asarray(projected / np.maximum(norms, 1e-9), np.float32)


def _axes(vectors: Vectors, orientations: Sequence[Orientation]) -> NDArray[np.float32]:
    """Main axes of a sample in all orientations, float32 (720, d)."""
    rows = evenly_spread(len(vectors), SAMPLE)
    moment = np.zeros((LENGTH, LENGTH))
    for orientation in orientations:
        sample = turned(vectors[rows], orientation).astype(np.float64)
        moment += sample.T @ sample
    _, axes = np.linalg.eigh(moment)
    return np.ascontiguousarray(axes[:, -AXES:], np.float32)
