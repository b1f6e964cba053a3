"""The command line: one function per command, options and printing, no logic.

Nothing heavy is imported before a command runs, so that --help answers at once.
"""

import os
import sys
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from leukoscope.cli.cells import cells
from leukoscope.cli.common import SETTINGS
from leukoscope.cli.compare import compare
from leukoscope.cli.data import data
from leukoscope.cli.evaluate import evaluate, submission
from leukoscope.cli.leakage import leakage
from leukoscope.cli.model import model
from leukoscope.cli.predict import explain, predict
from leukoscope.cli.serve import demo, open_app, serve
from leukoscope.cli.train import adapt, preview, recipes, release, train
from leukoscope.cli.tune import tune
from leukoscope.core.console_log import log_to_stderr
from leukoscope.core.errors import RESEARCH_USE, LeukoscopeError, missing_extra
from leukoscope.core.interrupts import repeated_when_dropped, was_interrupted
from leukoscope.core.printable import LONGEST_ERROR, cut, show
from leukoscope.core.version import __version__
from leukoscope.core.write_errors import (
    ADVICE,
    OF_THE_MACHINE,
    OUT_OF_MEMORY,
    error_number,
    out_of_memory,
)

AGAIN = "Run the same command again."
NETWORK = "Run the same command again; a network resumes from its last complete epoch."
RESUME = {  # what to do after Ctrl-C
    **dict.fromkeys(("release", "adapt"), AGAIN),
    **dict.fromkeys(("train", "tune", "leakage"), NETWORK),
    "predict": "With --out, the same command resumes after the last finished part.",
}

app = typer.Typer(
    help=f"Distinguish leukemic blasts from normal lymphoid cells. {RESEARCH_USE}",
    pretty_exceptions_enable=False,
    **SETTINGS,
)
app.add_typer(data, name="data")
app.add_typer(model, name="model")


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Handle the options that belong to no command."""
    if version:
        show(f"leukoscope {__version__}")
        raise typer.Exit


for command in (
    demo,
    predict,
    explain,
    cells,
    serve,
    recipes,
    preview,
    train,
    evaluate,
    submission,
    tune,
    compare,
    leakage,
    release,
    adapt,
):
    app.command()(command)
app.command("app")(open_app)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command; any error ends in one line on standard error and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name need not be text in the terminal's encoding
            stream.reconfigure(errors="backslashreplace")
    try:
        with log_to_stderr(), repeated_when_dropped():
            app(arguments, prog_name="leukoscope")
        sys.exit(0)
    except SystemExit as end:
        if end.code == 130:  # what Typer makes of Ctrl-C
            _fail_interrupted(arguments)
        raise
    except Exception as error:
        if was_interrupted(error):  # while native code was imported, which says something else
            _fail_interrupted(arguments)
        _fail_with(error)


def _fail_interrupted(arguments: list[str] | None) -> NoReturn:
    words = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in words if not word.startswith("-")), "")
    _fail(f"interrupted. {RESUME.get(command, '')}", 130)


def _fail_with(error: Exception) -> NoReturn:
    """End with an error that a user can correct, in the data or on the machine; others are bugs."""
    if isinstance(error, LeukoscopeError):
        _fail(str(error), error.exit_code)
    if isinstance(error, ImportError):
        problem = missing_extra("this command", error)
        if isinstance(problem, LeukoscopeError):
            _fail(str(problem), problem.exit_code)
    number = error_number(error)
    advice = f"; {ADVICE[number]}" if number in OF_THE_MACHINE else ""
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        _fail(f"{named}{error.strerror or error}{advice}", LeukoscopeError.exit_code)
    if number is not None and advice:
        _fail(f"{os.strerror(number)}{advice}.", LeukoscopeError.exit_code)
    if out_of_memory(error):
        _fail(OUT_OF_MEMORY, LeukoscopeError.exit_code)
    _fail_with_bug(error)


def _fail_with_bug(error: Exception) -> NoReturn:
    hint = "This is a bug; LEUKOSCOPE_DEBUG=1 shows where."
    _fail(f"{type(error).__name__}: {error}. {hint}", 1)


def _fail(message: str, exit_code: int) -> NoReturn:
    if os.environ.get("LEUKOSCOPE_DEBUG"):
        import traceback

        show(traceback.format_exc(), file=sys.stderr)
    show("leukoscope:", cut(" ".join(message.split()), LONGEST_ERROR), file=sys.stderr)
    sys.exit(exit_code)
