"""Serve the app and the REST API."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from leukoscope.core.errors import RESEARCH_USE, ServeError

if TYPE_CHECKING:
    from leukoscope.app.settings import Settings

log = logging.getLogger(__name__)

TOKEN = "LEUKOSCOPE_TOKEN"
SHORTEST_TOKEN = 16


def serve(
    model: Path | str | None = None,
    *,
    models: Path | str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    database: str | None = None,
    ephemeral: bool = False,
    workers: int | None = None,
    open_browser: bool = False,
    log_names: bool = False,
) -> None:
    """Serve the app and the REST API until it is stopped; requests in progress are finished first.

    The address is logged (level INFO) as soon as a browser can open it.

    Args:
        model: A model file; by default the one that ships with the package.
        models: A folder of further model files, to choose from for each case.
        host: Address to listen on. Any other than this machine's own requires a token.
        port: Port to listen on; 0 for any free port.
        token: Bearer token that clients must send; by default the value of LEUKOSCOPE_TOKEN in the
            environment, if it is set.
        database: SQLAlchemy URL of the database of cases and reviews; by default a SQLite file in
            the user's data folder.
        ephemeral: Keep cases in memory only.
        workers: Threads that predict; by default one for each core.
        open_browser: Open the page in a browser.
        log_names: Include file names in the log.

    Raises:
        ServeError: The address cannot be used.
        ModelFileError: The model cannot be used.
    """
    from leukoscope.app import process
    from leukoscope.app.settings import Settings

    settings = Settings(
        model=None if model is None else Path(model),
        models=None if models is None else Path(models),
        host=host,
        port=port,
        token=token or os.environ.get(TOKEN) or None,
        database=database,
        ephemeral=ephemeral,
        log_names=log_names,
        workers=workers,
    )
    check(settings)

    def listening(url: str) -> None:
        log.info(f"Leukoscope is at {url} (Ctrl-C stops it). {RESEARCH_USE}")
        if open_browser:
            _open(url)

    process.serve(settings, on_listening=listening, on_ready=lambda: log.info("Ready."))


def check(settings: "Settings") -> None:
    """Refuse what would leave the server open to others.

    Raises:
        ServeError: An address others can reach without a token, or with one that can be guessed.
    """
    if settings.on_loopback:
        return
    if settings.token is None:
        problem = "so a token is needed"
    elif len(settings.token) < SHORTEST_TOKEN:
        problem = f"so the token needs {SHORTEST_TOKEN} characters or more"
    else:
        return
    raise ServeError(
        f"{settings.host} can be reached from other machines, {problem}: "
        f"{TOKEN}=$(openssl rand -hex 16) leukoscope serve --host {settings.host}"
    )


def _open(url: str) -> None:
    """Open a browser without waiting for it: some come back only when they are closed."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
