"""The command line's verb that looks for better settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from leukoscope.cli.common import CORES, Jobs, Json, Seed, Source, report
from leukoscope.cli.train import RecipeName, parse_setting


def tune(
    source: Source,
    recipe: RecipeName = "cnn",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study.", show_default="studies/RECIPE")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, help="How many, with those that the study has already.")
    ] = 20,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=RANGE",
            help="Vary a setting: loss.l2=1e-6..1e-3:log, network.dropout=0..0.6, "
            "network.activation=relu,gelu; repeatable. By default what suits the recipe.",
        ),
    ] = None,
    space: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="The same in a file.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Change a setting in all trials; repeatable."
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="auroc, loss, balanced_accuracy, sensitivity or specificity on validation "
            "persons; the recipe's monitor by default."
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            envvar="LEUKOSCOPE_STORAGE",
            metavar="URL|journal:PATH",
            help="Where the trials are known; a SQLite file in the folder by default.",
            show_envvar=True,
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(help="person, subject, official, image (leaky), or a file of `data split`."),
    ] = "person",
    folds: Annotated[
        int, typer.Option(min=1, help="Measure by so many folds over persons; 1: validation part.")
    ] = 1,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    jobs: Jobs = CORES,
    as_json: Json = False,
) -> None:
    """Look for better settings of a recipe, by validation persons.

    The same command again goes on with a stopped study; run several times at once, or on other
    machines with one --storage, it works on one study.
    """
    from leukoscope import api
    from leukoscope.models.recipe.space import label

    found = api.tune(
        source,
        recipe,
        out,
        trials=trials,
        vary=parse_vary(vary or ()),
        space=space,
        settings=dict(parse_setting(text) for text in setting or ()),
        objective=objective,  # type: ignore[arg-type]  # checked by the verb
        storage=storage,
        split=split,
        folds=folds,
        seed=seed,
        jobs=jobs,
        workers=workers,
    )
    best = found.best
    states = {state: found.count(state) for state in sorted({row.state for row in found.trials})}
    settings = best.settings if best else {}
    facts = {
        "study": str(found.folder),
        "trials": states,
        "best_trial": best.trial if best else None,
        found.objective: best.value if best else None,
        # For a person as one gives them to --set.
        "settings": settings
        if as_json
        else [f"{name}={label(value)}" for name, value in settings.items()],
        "recipe": str(found.recipe) if found.recipe else None,
    }
    report(facts, as_json)
    if not as_json and found.recipe:
        kept = found.folder / "split.json"
        print(f"Train it: leukoscope train {source} --recipe {found.recipe} --split {kept}")


def parse_vary(texts: Sequence[str]) -> dict[str, str]:
    """Split each FIELD=RANGE; the ranges are read with the recipe."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not (name and equals and values):
            raise typer.BadParameter(
                f"{text!r}: write --vary FIELD=RANGE, as in loss.l2=1e-6..1e-3:log."
            )
        if name in found:
            raise typer.BadParameter(f"--vary {name} stands there twice.")
        found[name] = values
    return found
