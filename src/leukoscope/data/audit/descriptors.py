"""Data that an audit stores for each image, to compare a later batch with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.errors import CohortError
from leukoscope.core.files import atomic_path
from leukoscope.data.audit.file_state import UNSEEN, FileState, state_array
from leukoscope.data.audit.fingerprint import Fingerprint
from leukoscope.data.audit.neighbors import LENGTH, Orientation, Vectors, describe, turned

NAME = "descriptors.npz"
LEAST = 0.5  # cosine of vectors from which a pair is compared: lower than that of a graph
BLOCK = 1024
_ARRAYS = ("rows", "vectors", "areas", "framed", "step")
_STATES = "states"  # absent from audits of earlier versions


@dataclass(frozen=True)
class Descriptors:
    """Vectors of the images of an audit that have a fingerprint.

    Attributes:
        rows: int (M,), rows of the cohort, ascending.
        vectors: float16 (M, 720); see `audit.neighbors`.
        areas: float (M,), areas of the nuclei in pixels.
        framed: bool (M,), where an outline shows.
        step: Pixels of a texture step, the same for all.
        states: int64 (N, 3), the state of each file of the cohort; see `audit.file_state`.
    """

    rows: NDArray[np.int64]
    vectors: Vectors
    areas: NDArray[np.float64]
    framed: NDArray[np.bool_]
    step: float
    states: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        rows: Sequence[int],
        prints: Sequence[Fingerprint],
        step: float,
        states: Sequence[FileState],
    ) -> "Descriptors":
        """Describe the fingerprints of some rows, and keep the states of all files."""
        return cls(np.array(rows, np.int64), *describe(prints), step, state_array(states))

    def only(self, rows: NDArray[np.bool_], states: NDArray[np.int64]) -> "Descriptors":
        """Keep the descriptors of some rows of the cohort.

        Args:
            rows: Mask of the rows of the cohort, bool (N,).
            states: The states of all files now.
        """
        kept = rows[self.rows]
        arrays = (self.rows[kept], self.vectors[kept], self.areas[kept], self.framed[kept])
        return Descriptors(*arrays, self.step, states)

    def joined(self, other: "Descriptors") -> "Descriptors":
        """These descriptors followed by those of later rows."""
        return Descriptors(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.vectors, other.vectors]),
            np.concatenate([self.areas, other.areas]),
            np.concatenate([self.framed, other.framed]),
            self.step,
            np.concatenate([self.states, other.states]),
        )

    def save(self, folder: Path) -> None:
        """Write them into the folder of an audit, 1.5 KB an image."""
        with atomic_path(folder / NAME) as temporary, temporary.open("wb") as file:
            names = (*_ARRAYS, _STATES)
            arrays: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in names}
            np.savez(file, **arrays)

    @classmethod
    def load(cls, folder: Path, count: int) -> "Descriptors":
        """Read those of an audit of `count` images.

        Raises:
            CohortError: They are absent, damaged or of another audit.
        """
        path, again = folder / NAME, "Audit its images again, and then compare with the result."
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays: Mapping[str, np.ndarray] = {name: file[name] for name in _ARRAYS}
                states = file[_STATES] if _STATES in file else state_array([UNSEEN] * count)
            step = float(arrays["step"])
        except FileNotFoundError:
            raise CohortError(
                f"{path}: not found; the audit is of an earlier version. {again}"
            ) from None
        except Exception as error:  # NumPy and zipfile raise nearly anything on damaged files
            raise CohortError(f"{path}: damaged, or not a file of an audit. {again}") from error
        rows, vectors, areas, framed = (arrays[name] for name in _ARRAYS[:-1])
        shapes = [rows.shape, vectors.shape[:1], areas.shape, framed.shape]
        kinds = "".join(array.dtype.kind for array in (rows, vectors, areas, framed, states))
        fits = len(set(shapes)) == 1 and vectors.shape[1:] == (LENGTH,) and kinds == "iffbi"
        fits = fits and states.shape == (count, len(UNSEEN)) and 0 < step < np.inf
        if not fits or (len(rows) and not 0 <= rows.min() <= rows.max() < count):
            raise CohortError(f"{path}: does not match cohort.csv in this folder. {again}")
        return cls(rows, vectors, areas, framed, step, states)

    def near(
        self, later: "Descriptors", orientations: Sequence[Orientation], area_ratio: float
    ) -> Iterator[tuple[int, int, int]]:
        """Pairs of a row here and a later row that are worth a comparison.

        Yields:
            Row here, later row, number of the orientation of the first relative to the second.
        """
        others = later.vectors.T.astype(np.float32)
        for start in range(0, len(self.rows), BLOCK):
            part = slice(start, start + BLOCK)
            ratio = self.areas[part, None] / later.areas[None]
            alike = np.minimum(ratio, 1 / ratio) >= area_ratio
            alike &= self.framed[part, None] == later.framed[None]
            for number, orientation in enumerate(orientations):
                # Each part of a vector has norm 1, so the product of two is up to 2.
                cosine = turned(self.vectors[part], orientation) @ others
                for a, b in np.argwhere(alike & (cosine > 2 * LEAST)):
                    yield int(self.rows[start + a]), int(later.rows[b]), number
