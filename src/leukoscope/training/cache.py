"""Inputs of a training, made once for each cell and cached as one memory-mapped array.

Decoding and resizing cost more than half of a small network's training step, and measuring a cell
costs more than any estimator; with the cache they are paid once for all epochs and runs.
"""

import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukoscope.core import folders
from leukoscope.core.errors import FileError, ImageError, TrainingError
from leukoscope.core.files import atomic_path, write_text
from leukoscope.core.progress import track
from leukoscope.data.cohort import Cohort
from leukoscope.data.descriptors import NAMES, VERSION, describe
from leukoscope.data.imaging.image import DECODING, Crop, read_cell
from leukoscope.training.mapped_array import create, open_mapped

log = logging.getLogger(__name__)

SECONDS_PER_IMAGE = 0.003  # decode and resize of a 450 px BMP on one core, with a cold disk
SECONDS_PER_MEASURING = 0.016  # decode one and measure its descriptors


@dataclass(frozen=True)
class Crops:
    """Cached inputs for the cells of a cohort.

    Attributes:
        cells: Memory-mapped; uint8 (N, S, S, 3) crops or float32 (N, F) values; all zero where
            the image could not be read.
        problems: Reasons by row for unreadable images, a line each.
    """

    cells: np.ndarray
    problems: dict[int, str]


@dataclass(frozen=True)
class _Kind:
    """A kind of cached input: its part of the cache key, shape, type, function and title."""

    key: tuple[object, ...]
    shape: tuple[int, ...]
    dtype: type[np.generic]
    make: Callable[[str], np.ndarray]
    title: str


def cache_folder() -> Path:
    """Return the folder of derived files: LEUKOSCOPE_CACHE, else within the user's cache folder."""
    named = os.environ.get("LEUKOSCOPE_CACHE")
    return Path(named) if named else folders.cache_folder() / "crops"


def estimate(cells: int, crop: Crop, jobs: int) -> str:
    """The disk space and time that caching takes, as text."""
    gigabytes = cells * crop.size**2 * 3 / 1e9
    seconds = cells * SECONDS_PER_IMAGE / max(1, jobs)
    shown = f"{gigabytes:.2f} GB on disk, about {max(1, round(seconds))} s"
    return f"{cells:,} crops of {crop.size} px: {shown}"


def estimate_measuring(cells: int, jobs: int, what: str = "") -> str:
    """The time that measuring takes if it is not cached, as text.

    Args:
        cells: Number of cells.
        jobs: Number of threads.
        what: What is measured; by default the descriptors.
    """
    seconds = max(1, round(cells * SECONDS_PER_MEASURING / max(1, jobs)))
    what = what or f"{len(NAMES)} descriptors of {cells:,} cells"
    return f"{what}: about {seconds} s, the first time"


def cached_crops(cohort: Cohort, crop: Crop, *, folder: Path | None = None, jobs: int = 2) -> Crops:
    """The crops of a cohort, from the cache if it holds them.

    The cache key is made of the images' hashes in order, the crop and `DECODING`, so a changed file
    is never taken for the old one.

    Args:
        cohort: The cells, hashed.
        crop: The crop.
        folder: The folder of the cache; by default `cache_folder()`.
        jobs: Number of threads.

    Raises:
        TrainingError: Not enough space on the disk.
    """

    def make(path: str) -> np.ndarray:
        return read_cell(path, crop)

    kind = _Kind((1, crop), (crop.size, crop.size, 3), np.uint8, make, "Caching crops")
    return _cached(cohort, kind, folder, jobs)


def cached_descriptors(
    cohort: Cohort, crop: Crop, *, folder: Path | None = None, jobs: int = 2
) -> Crops:
    """All descriptors of the cells of a cohort, cached like crops, for each version of them."""

    def make(path: str) -> np.ndarray:
        return describe(read_cell(path, crop))

    key = ("descriptors", VERSION, crop)
    return cached_values(cohort, key, len(NAMES), make, folder=folder, jobs=jobs)


def cached_values(
    cohort: Cohort,
    key: tuple[object, ...],
    width: int,
    make: Callable[[str], np.ndarray],
    *,
    folder: Path | None = None,
    jobs: int = 2,
) -> Crops:
    """Any values that are computed from each image file, cached like crops.

    Args:
        cohort: The cells, hashed.
        key: Distinguishes these values from others of the same files.
        width: The number of values per cell.
        make: Computes float32 (width,) from a path.
        folder: The folder of the cache; by default `cache_folder()`.
        jobs: Number of threads.
    """
    kind = _Kind(key, (width,), np.float32, make, "Measuring cells")
    return _cached(cohort, kind, folder, jobs)


def usable_rows(cohort: Cohort, problems: Collection[int]) -> np.ndarray:
    """The rows that are in a subset and whose image could be read.

    Args:
        cohort: The cells that were cached, with part.
        problems: Rows whose image could not be read.
    """
    return np.setdiff1d(np.flatnonzero(cohort["part"] != ""), list(problems))


def _cached(cohort: Cohort, kind: _Kind, folder: Path | None, jobs: int) -> Crops:
    folder = folder or cache_folder()
    # An image without a hash could not be read; its path keeps two such cohorts apart.
    names = [sha256 or path for sha256, path in zip(cohort["sha256"], cohort["path"], strict=True)]
    key = hashlib.sha256(repr((DECODING, *kind.key, names)).encode()).hexdigest()[:24]
    array, remarks = folder / f"{key}.npy", folder / f"{key}.json"
    paths = cohort["path"].tolist()
    cached = _read(array, remarks, kind, len(paths))
    if cached is None:
        try:
            _make(paths, kind, array, remarks, jobs)
            cached = _read(array, remarks, kind, len(paths))
        except FileError as error:
            log.warning("%s The cells are held in memory, for this run only.", error)
    if cached is None:
        return _in_memory(paths, kind, jobs)
    if any(not Path(paths[row]).is_file() for row in cached.problems):
        with suppress(OSError):  # the disk with the missing images may come back
            remarks.unlink()
    return cached


def _read(array: Path, remarks: Path, kind: _Kind, rows: int) -> Crops | None:
    """The cached cells, or None where they are absent, damaged or out of reach."""
    try:
        problems = {
            int(row): str(text) for row, text in json.loads(remarks.read_text("utf-8")).items()
        }
    except (OSError, ValueError, AttributeError):
        return None
    cells = open_mapped(array, kind.dtype, (rows, *kind.shape))
    return None if cells is None else Crops(cells, problems)


def _make(paths: Sequence[str], kind: _Kind, array: Path, remarks: Path, jobs: int) -> None:
    shape = (len(paths), *kind.shape)
    needed = math.prod(shape) * np.dtype(kind.dtype).itemsize
    with atomic_path(array) as temporary:
        free = shutil.disk_usage(array.parent).free
        if needed > 0.95 * free:
            raise TrainingError(
                f"{array.parent}: {needed / 1e9:.1f} GB are needed for the cells and "
                f"{free / 1e9:.1f} GB are free; free some, or set LEUKOSCOPE_CACHE to a folder on "
                "another disk."
            )
        cells = create(temporary, kind.dtype, shape)
        problems = _fill(cells, paths, kind, jobs)
        cells.flush()
    write_text(remarks, json.dumps(problems))


def _in_memory(paths: Sequence[str], kind: _Kind, jobs: int) -> Crops:
    cells = np.zeros((len(paths), *kind.shape), kind.dtype)
    problems = _fill(cells, paths, kind, jobs)
    cells.flags.writeable = False
    return Crops(cells, problems)


def _fill(cells: np.ndarray, paths: Sequence[str], kind: _Kind, jobs: int) -> dict[int, str]:
    """Compute the rows; return the reasons of those that cannot be."""
    problems: dict[int, str] = {}

    def fill(row: int) -> None:
        try:
            cells[row] = kind.make(paths[row])
        except ImageError as error:
            problems[row] = str(error)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for _ in track(pool.map(fill, range(len(paths))), kind.title, total=len(paths)):
            pass
    return problems
