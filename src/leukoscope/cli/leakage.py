"""The command leakage."""

from pathlib import Path
from typing import Annotated

import typer

import leukoscope as ls
from leukoscope.cli.common import Jobs, Json, report
from leukoscope.cli.train import RecipeName, Settings, Weights, parse_setting
from leukoscope.core.printable import cut, show
from leukoscope.core.seeds import SEEDS, is_seed

LONGEST = 20  # characters of a number


def leakage(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="Folder of cell images, or table of paths; without it, finished runs in --out are "
            "summarized.",
        ),
    ] = None,
    recipe: RecipeName = "cnn",
    out: Annotated[
        Path, typer.Option(help="Folder of the study; several recipes may share it.")
    ] = Path("leakage"),
    splits: Annotated[
        str, typer.Option(help="Kinds of split, separated by commas.")
    ] = "image,subject,official,person",
    seeds: Annotated[str, typer.Option(help="Random seeds, separated by commas.")] = "0,1,2",
    cells: Annotated[
        int | None,
        typer.Option(
            min=2, help="Training cells of every run.", show_default="as many as all have"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of every run.", show_default="the recipe's")
    ] = None,
    settings: Settings = None,
    weights: Weights = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Measure by how much leaky splits overstate performance.

    Trains one recipe with the same budget on several kinds of split. Run the same command again to
    continue a stopped study.
    """
    study = ls.leakage(
        source,
        recipe,
        out=out,
        splits=_names(splits),
        seeds=[_number(text) for text in _names(seeds)],
        cells=cells,
        epochs=epochs,
        settings=dict(parse_setting(text) for text in settings or ()),
        weights=weights,
        jobs=jobs,
    )
    from leukoscope.evaluation.leakage.report import PAGE, lines, to_json

    if as_json:
        show(to_json(study), end="")
        return
    report([*lines(study), "", f"The page: {out / PAGE}"], False)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST and is_seed(int(text))):
        raise typer.BadParameter(
            f"{cut(text, LONGEST)!r}: seeds are whole numbers {SEEDS}, as in --seeds 0,1,2."
        )
    return int(text)
