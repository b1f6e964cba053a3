"""The command tune."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import leukoscope as ls
from leukoscope.cli.common import (
    FRACTIONS,
    Columns,
    Fractions,
    Jobs,
    Json,
    Labels,
    Seed,
    Source,
    SubjectPattern,
    hint,
    parse_fractions,
    read,
    report,
)
from leukoscope.cli.train import RecipeName, parse_setting


def tune(
    source: Source,
    recipe: RecipeName = "cnn",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study.", show_default="studies/RECIPE")
    ] = None,
    trials: Annotated[
        int,
        typer.Option(
            min=1, help="Total number of trials, including those that the study already has."
        ),
    ] = 20,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=RANGE",
            help="Vary a setting: loss.l2=1e-6..1e-3:log, network.dropout=0..0.6, "
            "network.activation=relu,gelu; repeatable. By default a search space for this kind of "
            "recipe.",
        ),
    ] = None,
    space: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="File with ranges of settings.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Replace a setting of the recipe in all trials; repeatable.",
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="Metric on validation persons to optimize: auroc, loss, balanced_accuracy, "
            "sensitivity or specificity; by default the recipe's."
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            envvar="LEUKOSCOPE_STORAGE",
            metavar="URL|journal:PATH",
            help="Where the trials are stored; by default a SQLite file in the folder.",
            show_envvar=True,
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            help="person, subject, official, image (leaky), or a file written by `data split`."
        ),
    ] = "person",
    folds: Annotated[
        int,
        typer.Option(min=1, help="Folds over persons per trial; 1 uses the validation subset."),
    ] = 1,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes on this machine.")] = 1,
    fractions: Fractions = FRACTIONS,
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Search for better settings of a recipe on validation persons.

    Run the same command again to continue a stopped study. Several processes, also on other
    machines with the same --storage, can work on one study.
    """
    from leukoscope.models.recipe.space import label

    study = ls.tune(
        read(source, labels, columns, subject_pattern),
        recipe,
        out=out,
        trials=trials,
        vary=parse_vary(vary or ()),
        space=space,
        settings=dict(parse_setting(text) for text in settings or ()),
        objective=objective,  # type: ignore[arg-type]  # checked by the function
        storage=storage,
        split=split,
        folds=folds,
        seed=seed,
        fractions=parse_fractions(fractions),
        jobs=jobs,
        workers=workers,
    )
    best = study.best
    states = {state: study.count(state) for state in sorted({row.state for row in study.trials})}
    chosen = best.settings if best else {}
    facts = {
        "study": str(study.folder),
        "trials": states,
        "best_trial": best.trial if best else None,
        study.objective: best.value if best else None,
        # To read, in the form of --set.
        "settings": chosen
        if as_json
        else [f"{name}={label(value)}" for name, value in chosen.items()],
        "recipe": str(study.recipe) if study.recipe else None,
    }
    report(facts, as_json)
    if not as_json and study.recipe:
        kept = study.folder / "split.json"
        hint(f"Train it: leukoscope train {source} --recipe {study.recipe} --split {kept}")


def parse_vary(texts: Sequence[str]) -> dict[str, str]:
    """Split each FIELD=RANGE; the ranges are read with the recipe."""
    ranges: dict[str, str] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not (name and equals and values):
            raise typer.BadParameter(
                f"{text!r}: write --vary FIELD=RANGE, as in loss.l2=1e-6..1e-3:log."
            )
        if name in ranges:
            raise typer.BadParameter(f"--vary {name} is given twice.")
        ranges[name] = values
    return ranges
