"""`data download cnmc`: state size, origin and license of C-NMC 2019, then download it.

The images come from a copy on Kaggle through `kagglehub` (the `download` extra). kagglehub resumes
an interrupted download from its cache but not in a given folder. So its cache is placed inside the
target folder during the download, and the tree is moved up when it is complete.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leukoscope.core.errors import DownloadError, missing_extra
from leukoscope.data.cnmc.cnmc import CITATION, DOI, LICENSE
from leukoscope.data.cnmc.manifest import verify
from leukoscope.data.cnmc.official import TOP_FOLDER, official_images
from leukoscope.data.cnmc.verification import Verification

ORIGINAL = f"https://doi.org/{DOI}"
KAGGLE_HANDLE = "andrewmvd/leukemia-classification"
_CACHE = ".kagglehub"


def notice(target: Path) -> list[str]:
    """Lines of text to read before the download: size, origin, license and citation."""
    images = official_images()
    return [
        f"C-NMC 2019: {len(images):,} images of one cell, {_gigabytes(_total_bytes())} unpacked,",
        "          and space for the archive until it is unpacked",
        f"From:     the copy at kaggle.com/datasets/{KAGGLE_HANDLE}, verified afterwards",
        f"Original: {ORIGINAL} (or download it there by hand)",
        f"License:  {LICENSE}: credit the authors in every use",
        f"Cite:     {CITATION}",
        f"To:       {target}",
    ]


def download_cnmc(
    target: Path | str,
    *,
    source: str = "kaggle",
    confirm: Callable[[list[str]], bool],
    jobs: int | None = None,
) -> Verification | None:
    """Download C-NMC 2019 into a folder and verify it; a second call resumes the download.

    Args:
        target: Folder for the `C-NMC_Leukemia` tree; created if absent.
        source: Source of the download; only "kaggle" is supported.
        confirm: Called with the lines of `notice`; the download starts if it returns true.
        jobs: Number of threads for the verification.

    Returns:
        The verification of the downloaded files, or None if `confirm` declined.

    Raises:
        MissingExtraError: kagglehub is not installed.
        DownloadError: The source is unknown, the disk is too full, or the download failed.
    """
    target = Path(target).expanduser().absolute()
    if source != "kaggle":
        raise DownloadError(
            f"source {source!r} is unknown: use 'kaggle', or download the original from {ORIGINAL}"
        )
    try:
        import kagglehub
    except ImportError as error:
        raise missing_extra("data download", error) from error
    if (target / TOP_FOLDER).exists():
        raise DownloadError(
            f"{target / TOP_FOLDER} exists already. Check it with: leukoscope data verify {target}"
        )
    if not confirm(notice(target)):
        return None
    _check_room(target)
    with _failures_named(), _cache_inside(target) as cache:
        fetched = Path(kagglehub.dataset_download(KAGGLE_HANDLE))
    if not fetched.resolve().is_relative_to(cache.resolve()):
        return verify(
            fetched, jobs=jobs
        )  # Kaggle and Colab notebooks have the data attached already
    tree = fetched / TOP_FOLDER
    (tree if tree.is_dir() else fetched).rename(target / TOP_FOLDER)
    shutil.rmtree(cache)
    return verify(target, jobs=jobs)


@contextmanager
def _cache_inside(target: Path) -> Iterator[Path]:
    """Place the cache of kagglehub in `target`, so that it can resume after an interruption."""
    cache, variable = target / _CACHE, "KAGGLEHUB_CACHE"
    before = os.environ.get(variable)
    cache.mkdir(parents=True, exist_ok=True)
    os.environ[variable] = str(cache)
    try:
        yield cache
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


@contextmanager
def _failures_named() -> Iterator[None]:
    """Turn any error of kagglehub and its HTTP libraries into a `DownloadError` of one line."""
    try:
        yield
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0][:160]
        # requests has a ConnectionError of its own, whose text is a page of urllib3 internals.
        offline = type(error).__name__ == "ConnectionError"
        reason = "no connection" if offline else f"{type(error).__name__}: {first}"
        raise DownloadError(
            f"{KAGGLE_HANDLE}: the download from Kaggle failed ({reason}). Check the network and "
            f"run the command again to resume, or download the original from {ORIGINAL}"
        ) from error


def _check_room(target: Path) -> None:
    """Raise if the disk is too full, before a long download."""
    existing = next(folder for folder in (target, *target.parents) if folder.exists())
    if not existing.is_dir():
        raise DownloadError(f"{existing} is a file: name a folder to download into.")
    free = shutil.disk_usage(existing).free
    if free < _total_bytes():
        raise DownloadError(
            f"{target}: {_gigabytes(free)} free, {_gigabytes(_total_bytes())} needed. "
            "Name a folder on a larger disk."
        )


def _total_bytes() -> int:
    return sum(image.size for image in official_images())


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
