"""The command line: one function per verb, options and printing, no logic.

Nothing heavy is imported before a verb runs, so that help answers at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from leukoscope.cli.common import SETTINGS, Json, report
from leukoscope.cli.compare import compare
from leukoscope.cli.data import data
from leukoscope.cli.leakage import leakage
from leukoscope.cli.model import ModelPath, model
from leukoscope.cli.train import preview, recipes, train
from leukoscope.cli.tune import tune
from leukoscope.core.console_log import log_to_stderr
from leukoscope.core.errors import RESEARCH_USE, LeukoscopeError, missing_extra
from leukoscope.core.interrupts import repeated_when_dropped

app = typer.Typer(
    help=f"Tell leukemic blasts from normal lymphoid cells. {RESEARCH_USE}",
    add_completion=False,
    pretty_exceptions_enable=False,
    **SETTINGS,
)
app.add_typer(data, name="data")
app.add_typer(model, name="model")


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Carry the options that belong to no verb."""
    if version:
        from importlib.metadata import version as installed

        print(f"leukoscope {installed('leukoscope')}")
        raise typer.Exit


for verb in (recipes, preview, train, compare, tune, leakage):
    app.command()(verb)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder or a model file.")],
    other: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Other cells than the run's own.")
    ] = None,
    part: Annotated[
        str, typer.Option(help="Of the run's own split: train, validation, test.")
    ] = "test",
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Score cells trained on; the result says so.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the report.")] = None,
    as_json: Json = False,
) -> None:
    """Measure a model on persons it has not seen.

    Every figure has a 95 % interval by bootstrap over persons.
    """
    from leukoscope import api

    result = api.evaluate(run, other, part, allow_overlap, out)
    if as_json:
        print(result.to_json(), end="")
        return
    from leukoscope.evaluation.metrics.metrics import METRICS
    from leukoscope.evaluation.report.text import warnings

    report([*warnings(result), RESEARCH_USE, ""], False)
    report({metric.title: str(result.metrics[metric.key]) for metric in METRICS}, False)
    if result.selection is not None:
        from leukoscope.evaluation.report.selection import words

        report(["", *words(result.selection)], False)


@app.command()
def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="[MODEL.onnx] PATHS...", help="Images, folders, patterns."),
    ],
    chosen: Annotated[
        Path | None,
        typer.Option("--model", help="A model file; the shipped model if none is named."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Table to write: .csv, .jsonl, .parquet; else CSV here.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON; the rows go to --out.")
    ] = False,
) -> None:
    """Answer for images: a row each, and a summary per subject. Exit code 3 if any failed.

    A verdict is blast, normal, uncertain, not a cell, or error; the column reason says why there is
    no answer.
    """
    if chosen is None and paths[0].suffix.lower() == ".onnx":
        chosen, *paths = paths
    if not paths:
        raise typer.BadParameter("name images, folders or patterns after the model.")
    if as_json and out is None:
        raise typer.BadParameter("--json prints the summary here; name a file for the rows: --out.")
    from leukoscope import api

    outcome = api.predict(paths, chosen, out)
    if as_json:
        from dataclasses import asdict

        report({"notice": RESEARCH_USE, **asdict(outcome)}, True)
    else:
        lines = [one.sentence() for one in outcome.subjects]
        if outcome.failed:
            lines.append(
                f"{outcome.failed} of {outcome.rows} failed; the column `reason` says why."
            )
        print(*lines, RESEARCH_USE, sep="\n", file=sys.stderr)
    raise typer.Exit(outcome.exit_code)


@app.command()
def explain(
    paths: Annotated[list[Path], typer.Argument(help="Images, folders, patterns.")],
    chosen: Annotated[
        Path | None,
        typer.Option("--model", help="A model file; the shipped model if none is named."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for pictures and table.")] = Path(
        "explanations"
    ),
) -> None:
    """Draw what speaks for and against each answer; approximate for some models."""
    from leukoscope import api

    outcome = api.explain(paths, chosen, out)
    print(out / "explanations.csv")
    raise typer.Exit(outcome.exit_code)


@app.command()
def serve(
    model: ModelPath = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others can reach any but the default.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(envvar="LEUKOSCOPE_TOKEN", help="What clients must show.", show_envvar=True),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="LEUKOSCOPE_DATABASE",
            metavar="URL",
            help="Where cases are kept; your own SQLite file by default.",
            show_envvar=True,
        ),
    ] = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Keep cases in memory only.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads that predict; one per core by default.")
    ] = None,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open", help="Open a browser; by default where a person started it."
        ),
    ] = None,
    log_names: Annotated[
        bool, typer.Option("--log-names", help="Write the names of files into the log.")
    ] = False,
) -> None:
    """Open the app in a browser, with a REST API beside it; Ctrl-C stops it."""
    from leukoscope import api
    from leukoscope.app.process import configure_log

    configure_log()
    api.serve(
        model,
        host=host,
        port=port,
        token=token,
        database=database,
        ephemeral=ephemeral,
        workers=workers,
        open_browser=sys.stdout.isatty() if browser is None else browser,
        log_names=log_names,
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to work in.")] = Path("demo"),
) -> None:
    """Go the whole way on synthetic cells, without data."""
    from leukoscope import api

    api.demo(out)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a verb; whatever goes wrong ends in one line on standard error and an exit code."""
    try:
        with log_to_stderr(), repeated_when_dropped():
            app(arguments, prog_name="leukoscope")
        sys.exit(0)
    except SystemExit as end:
        if end.code == 130:  # what Typer makes of Ctrl-C
            _fail(
                "stopped. The same command goes on; training resumes after its last full epoch.",
                130,
            )
        raise
    except LeukoscopeError as error:
        _fail(str(error), error.exit_code)
    except ImportError as error:
        problem = missing_extra("this command", error)
        if isinstance(problem, LeukoscopeError):
            _fail(str(problem), problem.exit_code)
        _fail_with_bug(error)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        _fail(f"{named}{error.strerror or error}", LeukoscopeError.exit_code)
    except Exception as error:
        _fail_with_bug(error)


def _fail_with_bug(error: Exception) -> NoReturn:
    hint = "This is a bug; LEUKOSCOPE_DEBUG=1 shows where."
    _fail(f"{type(error).__name__}: {error}. {hint}", 1)


def _fail(message: str, exit_code: int) -> NoReturn:
    if os.environ.get("LEUKOSCOPE_DEBUG"):
        import traceback

        traceback.print_exc()
    print("leukoscope:", " ".join(message.split()), file=sys.stderr)
    sys.exit(exit_code)
