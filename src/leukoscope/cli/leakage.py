"""The command line's verb `leakage`."""

from pathlib import Path
from typing import Annotated

import typer

from leukoscope.cli.common import CORES, Jobs, Json, report
from leukoscope.cli.train import RecipeName, Settings, Weights, parse_setting


def leakage(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="A folder of cells, or a table of paths; without it, what --out holds is shown.",
        ),
    ] = None,
    recipe: RecipeName = "cnn",
    out: Annotated[
        Path, typer.Option(help="Folder; studies of several recipes may share it.")
    ] = Path("leakage"),
    splits: Annotated[
        str, typer.Option(help="Which protocols, commas between.")
    ] = "image,subject,official,person",
    seeds: Annotated[
        str, typer.Option(help="Of split, cells and training, commas between.")
    ] = "0,1,2",
    cells: Annotated[
        int | None,
        typer.Option(
            min=2, help="Training cells of every run.", show_default="what all splits have"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Of every run.", show_default="the recipe's")
    ] = None,
    setting: Settings = None,
    weights: Weights = None,
    jobs: Jobs = CORES,
    as_json: Json = False,
) -> None:
    """Measure what a leaky split adds to the figures.

    Trains one recipe with the same budget under several splits. The same command again goes on
    where it was stopped.
    """
    from leukoscope import api

    study = api.leakage(
        source,
        recipe,
        out,
        splits=_names(splits),
        seeds=[_number(text) for text in _names(seeds)],
        cells=cells,
        epochs=epochs,
        settings=dict(parse_setting(text) for text in setting or ()),
        weights=weights,
        jobs=jobs,
    )
    from leukoscope.evaluation.leakage.report import PAGE, lines, to_json

    if as_json:
        print(to_json(study), end="")
        return
    report([*lines(study), "", f"The page: {out / PAGE}"], False)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise typer.BadParameter(f"{text!r}: seeds are whole numbers from 0, as in --seeds 0,1,2.")
    return int(text)
