"""Fetch a file of weights from the Hugging Face hub, or say within seconds that it cannot be had.

The hub's own client tries five times, over half a minute, before it gives up on a machine without a
network; so what is on the disk is taken first, and then the hub is called once, with a time limit.
"""

import threading
import urllib.error
import urllib.request
from pathlib import Path

from leukoscope.core.errors import DownloadError

PATIENCE = 4.0  # seconds until the hub must have answered


def download(repository: str, file: str) -> Path:
    """The file, from the user's cache or the hub.

    Raises:
        DownloadError: It is not in the cache and the hub cannot be reached, or has no such file.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repository, file, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    if constants.HF_HUB_OFFLINE or not _answers(constants.ENDPOINT):
        raise DownloadError(
            f"{repository}: not in {constants.HF_HUB_CACHE}, and the hub ({constants.ENDPOINT}) "
            "cannot be reached. Name a file with --weights PATH, start from chance with --weights "
            "none, or try again online."
        )
    try:
        return Path(hf_hub_download(repository, file))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise DownloadError(
            f"{repository}: {file} cannot be fetched ({reason}). Name a file with --weights PATH, "
            "or start from chance with --weights none."
        ) from error


def _answers(url: str) -> bool:
    """Whether a server answers at all within `PATIENCE`, name look-up and proxies included."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            urllib.request.urlopen(request, timeout=PATIENCE).close()
        except urllib.error.HTTPError:
            pass  # an answer, if not a kind one
        except (OSError, ValueError):
            return
        answers.append(True)

    # In a thread of its own, because the look-up of a name has no time limit.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return bool(answers)
