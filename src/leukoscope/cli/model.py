"""The commands below `leukoscope model`: show, verify, card, checklist."""

import json
from pathlib import Path
from typing import Annotated

import typer

import leukoscope as ls
from leukoscope.cli.common import SETTINGS, Json, report
from leukoscope.core.printable import show

model = typer.Typer(help="Inspect a model file and write its documents.", **SETTINGS)

ModelPath = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE.onnx]", help="Model file; by default the shipped model."),
]
ModelOrRun = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE.onnx|RUN]", help="Model file or run folder; by default the shipped model."
    ),
]


def _named(path: Path | None) -> Path | None:
    """None for the shipped model, which other commands call "default"."""
    return None if path is not None and str(path) == "default" else path


@model.command("show")
def model_show(path: ModelPath = None, as_json: Json = False) -> None:
    """Show the model card: training data, performance, limits."""
    from leukoscope.inference.model_file.card_text import describe

    card = ls.read_card(_named(path))
    report(json.loads(card.to_json()) if as_json else dict(describe(card)), as_json)


@model.command("verify")
def model_verify(path: ModelPath = None, as_json: Json = False) -> None:
    """Check a model file against its card. Exit code 1 if a check fails."""
    checks = ls.verify_model(_named(path))
    if as_json:
        report([vars(check) for check in checks], True)
    else:
        report([f"{'ok' if c.passed else 'FAILED':<8}{c.name}: {c.detail}" for c in checks], False)
    raise typer.Exit(0 if all(check.passed for check in checks) else 1)


@model.command("card")
def model_card(
    model: ModelOrRun = None,
    out: Annotated[Path, typer.Option(help="Page to write: .html or .md.")] = Path(
        "model-card.html"
    ),
) -> None:
    """Write the model card as a page.

    For a run folder, the card also has results per person.
    """
    show(ls.model_card(_named(model), out=out))


@model.command("checklist")
def model_checklist(
    model: ModelOrRun = None,
    out: Annotated[Path, typer.Option(help="Page to write: .html or .md.")] = Path(
        "checklist.html"
    ),
) -> None:
    """Fill in the checklists CLAIM 2024 and TRIPOD+AI."""
    show(ls.model_checklist(_named(model), out=out))
