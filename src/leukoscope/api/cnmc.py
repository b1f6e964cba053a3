"""The data set C-NMC 2019: download and verify a copy."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leukoscope.data.cnmc.verification import Verification


def verify_data(folder: Path | str, *, jobs: int | None = None) -> "Verification":
    """Compare a copy of C-NMC 2019 with the official list of names and hashes.

    Args:
        folder: The folder that holds the copy.
        jobs: Threads; by default one for each core.
    """
    from leukoscope.data.cnmc.manifest import verify

    return verify(Path(folder), jobs=jobs)


def download(target: Path | str, *, confirm: Callable[[list[str]], bool]) -> "Verification | None":
    """Download C-NMC 2019 and verify it.

    Args:
        target: Folder to download into.
        confirm: Called with lines on the size, the license and the citation; the download starts if
            it returns True.

    Returns:
        The verification, or None if `confirm` declined.

    Raises:
        MissingExtraError: kagglehub is not installed.
        DownloadError: Too little space, or the download failed.
    """
    from leukoscope.data.cnmc.download import download_cnmc

    return download_cnmc(target, confirm=confirm)
