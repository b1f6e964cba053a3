"""Download weights from the Hugging Face hub, or fail within seconds.

The hub's own client tries five times, over half a minute, before it gives up on a machine without a
network. Therefore the cache is used first, and then the hub is tested once, with a time limit.
"""

import threading
import urllib.error
import urllib.request
from pathlib import Path

from leukoscope.core.errors import DownloadError

PATIENCE = 4.0  # seconds until the hub must have responded


def download(repository: str, file: str) -> Path:
    """Find a file in the user's cache, or download it.

    Raises:
        DownloadError: The file is not in the cache, and the hub cannot be reached or does not have
            it.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repository, file, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    if constants.HF_HUB_OFFLINE or not _responds(constants.ENDPOINT):
        raise DownloadError(
            f"{repository}: not in {constants.HF_HUB_CACHE}, and the hub ({constants.ENDPOINT}) "
            "cannot be reached. Name a file with --weights PATH, use random weights with --weights "
            "none, or try again online."
        )
    try:
        return Path(hf_hub_download(repository, file))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise DownloadError(
            f"{repository}: {file} cannot be downloaded ({reason}). Name a file with --weights "
            "PATH, or use random weights with --weights none."
        ) from error


def _responds(url: str) -> bool:
    """True if a server responds within `PATIENCE`, including name look-up and proxies."""
    responses: list[bool] = []

    def request_head() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            urllib.request.urlopen(request, timeout=PATIENCE).close()
        except urllib.error.HTTPError:
            pass  # a response, if an unfriendly one
        except (OSError, ValueError):
            return
        responses.append(True)

    # In a separate thread, because the look-up of a name has no time limit.
    thread = threading.Thread(target=request_head, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return bool(responses)
