"""Inputs of a training, made once for each cell and cached as one memory-mapped array.

Decoding and resizing cost more than half of a small network's training step, and measuring a cell
costs more than any estimator; with the cache they are paid once for all epochs and runs. The
processes of a machine map one file, so its pages are in memory once: the first one that takes the
lock makes the file, and the others wait for it.
"""

import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukoscope.core import folders
from leukoscope.core.errors import FileError, ImageError, TrainingError
from leukoscope.core.files import atomic_path, locked, write_text
from leukoscope.core.progress import track
from leukoscope.core.wording import count as counted
from leukoscope.data.audit.checked import flagged
from leukoscope.data.cohort import ALL, HEM, LABEL_NAMES, Cohort
from leukoscope.data.descriptors import NAMES, VERSION, describe
from leukoscope.data.hashing import UNREADABLE, hash_cells
from leukoscope.data.imaging.image import DECODING, Crop, read_bytes, read_cell
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


_File = tuple[str, str]  # path and hash


@dataclass(frozen=True)
class _Kind:
    """A kind of cached input: its part of the cache key, shape, type, function and title."""

    key: tuple[object, ...]
    shape: tuple[int, ...]
    dtype: type[np.generic]
    make: Callable[[bytes], np.ndarray]
    title: str
    note: str  # logged before the values are computed; not if the cache has them


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
    """The time that measuring takes, as text.

    Args:
        cells: Number of cells.
        jobs: Number of threads.
        what: What is measured; by default the descriptors.
    """
    seconds = max(1, round(cells * SECONDS_PER_MEASURING / max(1, jobs)))
    what = what or f"{len(NAMES)} descriptors of {counted(cells, 'cell')}"
    return f"{what}: about {seconds} s"


def cached_crops(
    cohort: Cohort, crop: Crop, *, folder: Path | None = None, jobs: int = 2, note: str = ""
) -> Crops:
    """The crops of a cohort, from the cache if it holds them.

    The cache key is made of the images' hashes in order, the crop and `DECODING`, and a file is
    used only if it has its hash, so a changed file is never taken for the old one.

    Args:
        cohort: The cells. Their hashes must be those of the files now: see `hash_cells`.
        crop: The crop.
        folder: The folder of the cache; by default `cache_folder()`.
        jobs: Number of threads.
        note: A line to log if the crops are not cached yet.

    Raises:
        TrainingError: Not enough space on the disk.
    """

    def make(content: bytes) -> np.ndarray:
        return read_cell(content, crop)

    kind = _Kind((1, crop), (crop.size, crop.size, 3), np.uint8, make, "Caching crops", note)
    return _cached(cohort, kind, folder, jobs)


def cached_descriptors(
    cohort: Cohort, crop: Crop, *, folder: Path | None = None, jobs: int = 2
) -> Crops:
    """All descriptors of the cells of a cohort, cached like crops, for each version of them."""

    def make(content: bytes) -> np.ndarray:
        return describe(read_cell(content, crop))

    key = ("descriptors", VERSION, crop)
    return cached_values(cohort, key, len(NAMES), make, folder=folder, jobs=jobs)


def cached_values(
    cohort: Cohort,
    key: tuple[object, ...],
    width: int,
    make: Callable[[bytes], np.ndarray],
    *,
    folder: Path | None = None,
    jobs: int = 2,
    note: str = "",
) -> Crops:
    """Any values that are computed from each image file, cached like crops.

    Args:
        cohort: The cells, hashed.
        key: Distinguishes these values from others of the same files.
        width: The number of values per cell.
        make: Computes float32 (width,) from the content of a file.
        folder: The folder of the cache; by default `cache_folder()`.
        jobs: Number of threads.
        note: A line to log if the values are not cached yet.
    """
    kind = _Kind(key, (width,), np.float32, make, "Measuring cells", note)
    return _cached(cohort, kind, folder, jobs)


def usable_rows(cohort: Cohort, problems: Mapping[int, str]) -> np.ndarray:
    """The rows that are in a subset, and whose image could be read, now and by the audit.

    Args:
        cohort: The cells that were cached, with part.
        problems: Reasons by row where the image could not be read.

    Raises:
        TrainingError: A subset loses all its cells of a class.
    """
    used = cohort["part"] != ""
    readable = ~flagged(cohort, [UNREADABLE])
    readable[list(problems)] = False
    for part in np.unique(cohort["part"][used].astype(str)):
        for label in (ALL, HEM):
            rows = used & (cohort["part"] == part) & (cohort["label"] == label)
            if rows.any() and not (rows & readable).any():
                lost = np.flatnonzero(rows)[0]
                reason = problems.get(int(lost), f"{cohort['path'][lost]}: cannot be read.")
                raise TrainingError(
                    f"{int((used & ~readable).sum()):,} of {counted(int(used.sum()), 'image')} "
                    "cannot be "
                    f"read, among them every {LABEL_NAMES[label]} cell for {part}. First: {reason}"
                )
    return np.flatnonzero(used & readable)


def _cached(cohort: Cohort, kind: _Kind, folder: Path | None, jobs: int) -> Crops:
    folder = folder or cache_folder()
    if "" in cohort["sha256"]:
        cohort = hash_cells(cohort, jobs=jobs)
    # An image without a hash cannot be read; its path keeps two such cohorts apart.
    names = [sha256 or path for sha256, path in zip(cohort["sha256"], cohort["path"], strict=True)]
    key = hashlib.sha256(repr((DECODING, *kind.key, names)).encode()).hexdigest()[:24]
    array, remarks = folder / f"{key}.npy", folder / f"{key}.json"
    files = list(zip(cohort["path"], cohort["sha256"], strict=True))
    cached = _read(array, remarks, kind, len(files))
    log.debug("cache: %s%s", array, "" if cached else " (new)")
    if cached is None:
        try:
            with locked(folder / f".{key}.lock"):
                cached = _read(array, remarks, kind, len(files))  # another process may have made it
                if cached is None:
                    if kind.note:
                        log.info(kind.note)
                    _make(files, kind, array, remarks, jobs)
                    cached = _read(array, remarks, kind, len(files))
        except FileError as error:
            log.warning("%s The cells are held in memory, for this run only.", error)
    if cached is None:
        return _in_memory(files, kind, jobs)
    if any(not _is_content(*files[row]) for row in cached.problems):
        with suppress(OSError):  # of another state of the disk: missing images may come back
            remarks.unlink()
    return cached


def _is_content(path: str, sha256: str) -> bool:
    """True if a file has its hash now, so that a problem with it is one of its content."""
    try:
        return hashlib.sha256(read_bytes(Path(path))).hexdigest() == sha256
    except ImageError:
        return False


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


def _make(files: Sequence[_File], kind: _Kind, array: Path, remarks: Path, jobs: int) -> None:
    shape = (len(files), *kind.shape)
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
        problems = _fill(cells, files, kind, jobs)
        cells.flush()
    write_text(remarks, json.dumps(problems))


def _in_memory(files: Sequence[_File], kind: _Kind, jobs: int) -> Crops:
    cells = np.zeros((len(files), *kind.shape), kind.dtype)
    problems = _fill(cells, files, kind, jobs)
    cells.flags.writeable = False
    return Crops(cells, problems)


def _fill(cells: np.ndarray, files: Sequence[_File], kind: _Kind, jobs: int) -> dict[int, str]:
    """Compute the rows; return the reasons of those that cannot be."""
    problems: dict[int, str] = {}

    def fill(row: int) -> None:
        path, sha256 = files[row]
        try:
            content = read_bytes(Path(path))
            if hashlib.sha256(content).hexdigest() != sha256:
                raise ImageError(f"{path}: has changed since it was hashed.")
            cells[row] = kind.make(content)
        except ImageError as error:
            problems[row] = str(error).replace("the image: ", f"{path}: ", 1)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for _ in track(pool.map(fill, range(len(files))), kind.title, total=len(files)):
            pass
    return problems
