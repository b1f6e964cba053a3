"""The commands app, serve and demo."""

import socket
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

import leukoscope as ls
from leukoscope.cli.common import Seed
from leukoscope.cli.model import ModelPath
from leukoscope.core.printable import show

ModelFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Folder of further model files, to choose from for each case."
    ),
]


def serve(
    model: ModelPath = None,
    models: ModelFolder = None,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; the default can be reached from this machine only."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free port.")
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="LEUKOSCOPE_TOKEN", help="Bearer token that clients must send.", show_envvar=True
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="LEUKOSCOPE_DATABASE",
            metavar="URL",
            help="Database of cases; by default a SQLite file in your data folder.",
            show_envvar=True,
        ),
    ] = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Keep cases in memory only.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads that predict; by default one per core.")
    ] = None,
    browser: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open a browser; by default only in a terminal."),
    ] = None,
    log_names: Annotated[
        bool, typer.Option("--log-names", help="Include file names in the log.")
    ] = False,
) -> None:
    """Serve the app and the REST API; Ctrl-C stops it."""
    from leukoscope.app.process import server_log

    with server_log():
        ls.serve(
            model,
            models=models,
            host=host,
            port=port,
            token=token,
            database=database,
            ephemeral=ephemeral,
            workers=workers,
            open_browser=sys.stdout.isatty() if browser is None else browser,
            log_names=log_names,
        )


def open_app(
    model: ModelPath = None,
    models: ModelFolder = None,
    port: Annotated[
        int,
        typer.Option(
            min=1, max=65535, help="Port; if another program uses it, a free one is chosen."
        ),
    ] = 8000,
) -> None:
    """Open the app in a browser; starts its server if needed.

    Ctrl-C stops the server that this command started.
    """
    from leukoscope.app.launch import running_at
    from leukoscope.app.process import server_log

    url = running_at(port)
    if url is not None:
        show(f"Leukoscope already runs at {url}")
        webbrowser.open(url)
        return
    with server_log():
        ls.serve(model, models=models, port=port if _is_free(port) else 0, open_browser=True)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def demo(
    out: Annotated[Path, typer.Option(help="Working folder.")] = Path("demo"),
    persons: Annotated[int, typer.Option(help="Number of persons.")] = 40,
    cells: Annotated[int, typer.Option(help="Cells per person.")] = 15,
    seed: Seed = 0,
) -> None:
    """Run all steps on synthetic cells; needs no data.

    Draws cells, audits them, trains, evaluates and predicts, in a few minutes.
    """
    ls.demo(out, persons=persons, cells=cells, seed=seed)
