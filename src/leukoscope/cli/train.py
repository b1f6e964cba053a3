"""The command line's verbs that train: recipes, preview, train."""

from pathlib import Path
from typing import Annotated, Any

import typer

from leukoscope.cli.common import CORES, Jobs, Json, Seed, Source, report

RecipeName = Annotated[
    str, typer.Option(help="A recipe's name (see: leukoscope recipes) or a .yaml file.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change a setting of the recipe; repeatable."),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="hub|PATH|none", help="What the network starts from, instead of the recipe's."
    ),
]


def recipes(as_json: Json = False) -> None:
    """List the recipes a model can be trained by."""
    from leukoscope.models.recipe.recipe import read_recipe, recipe_names

    found = {name: read_recipe(name).summary for name in recipe_names()}
    width = max(map(len, found)) + 2
    # Not as headings, in which an underscore would become a space.
    report(found if as_json else [f"{name:<{width}}{found[name]}" for name in found], as_json)


def preview(
    source: Source,
    recipe: RecipeName = "cnn",
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("preview.html"),
) -> None:
    """Draw a sheet of augmented cells, as training sees them."""
    from leukoscope import api

    print(api.preview(source, recipe, out))


def train(
    source: Source,
    recipe: RecipeName = "cnn",
    out: Annotated[
        Path | None, typer.Option(help="Run folder.", show_default="runs/RECIPE-SPLIT-seedN")
    ] = None,
    split: Annotated[
        str,
        typer.Option(help="person, subject, official, image (leaky), or a file of `data split`."),
    ] = "person",
    seed: Seed = 0,
    setting: Settings = None,
    weights: Weights = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew, don't resume.")] = False,
    jobs: Jobs = CORES,
    as_json: Json = False,
) -> None:
    """Train a model and export it as one file.

    The same command again resumes a stopped run.
    """
    from leukoscope import api

    settings = dict(parse_setting(text) for text in setting or ())
    run = api.train(
        source,
        recipe,
        out,
        split=split,
        seed=seed,
        settings=settings,
        weights=weights,
        resume=not fresh,
        jobs=jobs,
    )
    report({"run": str(run.folder), "model": str(run.model)}, as_json)
    if not as_json:
        print(f"Measure it: leukoscope evaluate {run.folder}")


def parse_setting(text: str) -> tuple[str, Any]:
    """Split NAME=VALUE; the value is read as YAML, as in a recipe."""
    import yaml

    name, equals, value = text.partition("=")
    try:
        if not (name and equals):
            raise ValueError
        return name.strip(), yaml.safe_load(value)
    except (ValueError, yaml.YAMLError):
        raise typer.BadParameter(f"{text!r}: write --set NAME=VALUE, as in loss.l2=1e-4.") from None
