"""The command line: one function per command, options and printing, no logic.

Nothing heavy is imported before a command runs, so that --help answers at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import leukoscope as ls
from leukoscope.cli.common import SETTINGS, Jobs, Json, Seed, report
from leukoscope.cli.compare import compare
from leukoscope.cli.data import data
from leukoscope.cli.leakage import leakage
from leukoscope.cli.model import ModelPath, model
from leukoscope.cli.train import preview, recipes, release, train
from leukoscope.cli.tune import tune
from leukoscope.core.console_log import log_to_stderr
from leukoscope.core.errors import RESEARCH_USE, LeukoscopeError, missing_extra
from leukoscope.core.interrupts import repeated_when_dropped
from leukoscope.core.version import __version__

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
    """Handle the options that belong to no command."""
    if version:
        print(f"leukoscope {__version__}")
        raise typer.Exit


for command in (recipes, preview, train, compare, tune, leakage, release):
    app.command()(command)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder or model file.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Evaluate on this data set instead of the run's own."
        ),
    ] = None,
    part: Annotated[
        str, typer.Option(help="Subset of the run's own split: train, validation or test.")
    ] = "test",
    allow_overlap: Annotated[
        bool,
        typer.Option(
            "--allow-overlap",
            help="Evaluate although training persons or images are included; marks the result.",
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the report.")] = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Measure the performance of a model on persons it has not seen.

    Every metric has a 95 % interval by bootstrap over persons.
    """
    result = ls.evaluate(run, data, part=part, allow_overlap=allow_overlap, out=out, jobs=jobs)
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
        typer.Argument(metavar="[MODEL.onnx] PATHS...", help="Images, folders or patterns."),
    ],
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Model file; by default the shipped model."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Table to write (.csv, .jsonl, .parquet); by default CSV is printed."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON; the rows go to --out.")
    ] = False,
) -> None:
    """Predict images: a row per image and a summary per subject. Exit code 3 if an image failed.

    The verdict is blast, normal, uncertain, not a cell, or error; the column reason says why there
    is no answer.
    """
    if model is None and paths[0].suffix.lower() == ".onnx":
        model, *paths = paths
    if not paths:
        raise typer.BadParameter("name images, folders or patterns after the model.")
    if as_json and out is None:
        raise typer.BadParameter("--json prints the summary here; name a file for the rows: --out.")
    from leukoscope.api.predict import predict_to_table

    outcome = predict_to_table(paths, model, out=out)
    if as_json:
        from dataclasses import asdict

        report({"notice": RESEARCH_USE, **asdict(outcome)}, True)
    else:
        lines = [subject.sentence() for subject in outcome.subjects]
        if outcome.failed:
            lines.append(
                f"{outcome.failed} of {outcome.rows} failed; the column `reason` says why."
            )
        print(*lines, RESEARCH_USE, sep="\n", file=sys.stderr)
    raise typer.Exit(outcome.exit_code)


@app.command()
def explain(
    paths: Annotated[list[Path], typer.Argument(help="Images, folders or patterns.")],
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Model file; by default the shipped model."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for pictures and explanations.csv.")] = Path(
        "explanations"
    ),
) -> None:
    """Draw heatmaps of what speaks for and against ALL.

    A model without an exact heatmap gets an approximate one, which takes longer.
    """
    from leukoscope.api.explain import explain_to_folder

    outcome = explain_to_folder(paths, model, out=out)
    print(out / "explanations.csv")
    raise typer.Exit(outcome.exit_code)


@app.command()
def serve(
    model: ModelPath = None,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; other machines can reach any but the default."),
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
        typer.Option("--open/--no-open", help="Open a browser; by default if run in a terminal."),
    ] = None,
    log_names: Annotated[
        bool, typer.Option("--log-names", help="Include file names in the log.")
    ] = False,
) -> None:
    """Serve the app and the REST API; Ctrl-C stops it."""
    from leukoscope.app.process import configure_log

    configure_log()
    ls.serve(
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
    persons: Annotated[int, typer.Option(help="Number of persons.")] = 40,
    cells: Annotated[int, typer.Option(help="Cells per person.")] = 15,
    seed: Seed = 0,
) -> None:
    """Run all steps on synthetic cells; needs no data.

    Draws cells, audits them, trains, evaluates and predicts, in a few minutes.
    """
    ls.demo(out, persons=persons, cells=cells, seed=seed)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command; any error ends in one line on standard error and an exit code."""
    try:
        with log_to_stderr(), repeated_when_dropped():
            app(arguments, prog_name="leukoscope")
        sys.exit(0)
    except SystemExit as end:
        if end.code == 130:  # what Typer makes of Ctrl-C
            _fail(
                "interrupted. Run the same command again; training resumes from its last complete "
                "epoch.",
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
