"""The command that installs an extra, from where this program was installed.

An installer notes a folder, an archive or a repository in `direct_url.json` (PEP 610). Without that
file the package came from an index or by another way, such as a distribution's own.
"""

import json
import shlex
from typing import Any
from urllib.parse import unquote, urlsplit

NAME = "leukoscope"


def install_command(extra: str) -> str:
    """The command that adds an extra to this installation, as text for a shell."""
    origin = _origin()
    url = str(origin.get("url") or "")
    if url.startswith("file:"):
        # Slow to import, and needed for an error only.
        from urllib.request import url2pathname

        place = url2pathname(unquote(urlsplit(url).path))
        editable = "-e " if (origin.get("dir_info") or {}).get("editable") else ""
        return f"pip install {editable}{shlex.quote(f'{place}[{extra}]')}"
    if url:
        control = origin.get("vcs_info") or {}
        prefix = f"{control['vcs']}+" if control.get("vcs") else ""
        commit = f"@{control['commit_id']}" if control.get("commit_id") else ""
        return f"pip install {shlex.quote(f'{NAME}[{extra}] @ {prefix}{url}{commit}')}"
    return f"pip install {shlex.quote(f'{NAME}[{extra}]')}"


def _origin() -> dict[str, Any]:
    """The content of `direct_url.json`; empty if the file does not exist."""
    from importlib import metadata  # slow to import

    try:
        text = metadata.distribution(NAME).read_text("direct_url.json")
        origin = json.loads(text or "{}")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return {}
    return origin if isinstance(origin, dict) else {}
