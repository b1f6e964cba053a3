"""The command line's verbs on a model file: show, verify, card, checklist."""

import json
from pathlib import Path
from typing import Annotated

import typer

from leukoscope.cli.common import SETTINGS, Json, report

model = typer.Typer(help="Look into a model file.", **SETTINGS)

ModelPath = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE.onnx]", help="A model file; the shipped model if none is named."),
]
ModelOrRun = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE.onnx|RUN]", help="A model file or a run folder; else the shipped model."
    ),
]


@model.command("show")
def model_show(path: ModelPath = None, as_json: Json = False) -> None:
    """Show a model's card: what it is, what it saw, how well it did."""
    from leukoscope import api
    from leukoscope.inference.model_file.card_text import describe

    card = api.read_card(path)
    report(json.loads(card.to_json()) if as_json else dict(describe(card)), as_json)


@model.command("verify")
def model_verify(path: ModelPath = None, as_json: Json = False) -> None:
    """Check that a model file does what its card says."""
    from leukoscope import api

    checks = api.verify_model(path)
    if as_json:
        report([vars(check) for check in checks], True)
    else:
        report([f"{'ok' if c.passed else 'FAILED':<8}{c.name}: {c.detail}" for c in checks], False)
    raise typer.Exit(0 if all(check.passed for check in checks) else 1)


@model.command("card")
def model_card(
    path: ModelOrRun = None,
    out: Annotated[Path, typer.Option(help="Page to write: .html or .md.")] = Path(
        "model-card.html"
    ),
) -> None:
    """Write a model's card as a page; from a run folder, with results by person."""
    from leukoscope import api

    print(api.model_card(path, out))


@model.command("checklist")
def model_checklist(
    path: ModelOrRun = None,
    out: Annotated[Path, typer.Option(help="Page to write: .html or .md.")] = Path(
        "checklist.html"
    ),
) -> None:
    """Fill the checklists CLAIM 2024 and TRIPOD+AI from a model's files."""
    from leukoscope import api

    print(api.model_checklist(path, out))
