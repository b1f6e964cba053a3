"""The commands recipes, preview, train, release and adapt."""

from pathlib import Path
from typing import Annotated, Any

import typer

import leukoscope as ls
from leukoscope.cli.common import (
    FRACTIONS,
    Columns,
    DataLicense,
    DataSource,
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
from leukoscope.core.printable import show
from leukoscope.core.processes import is_first_process

RecipeName = Annotated[
    str, typer.Option(help="Name of a recipe (list: leukoscope recipes), or a .yaml file.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Replace a setting of the recipe; repeatable."
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="hub|PATH|none", help="Initial weights of the network, instead of the recipe's."
    ),
]


def recipes(as_json: Json = False) -> None:
    """List the recipes that models can be trained with."""
    from leukoscope.models.recipe.recipe import read_recipe, recipe_names

    summaries = {name: read_recipe(name).summary for name in recipe_names()}
    width = max(map(len, summaries)) + 2
    # Not as headings, in which an underscore would become a space.
    lines = [f"{name:<{width}}{summary}" for name, summary in summaries.items()]
    report(summaries if as_json else lines, as_json)


def preview(
    source: Source,
    recipe: RecipeName = "cnn",
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("preview.html"),
    seed: Seed = 0,
) -> None:
    """Write a page of cells with the augmentation of training."""
    show(ls.preview(source, recipe, out=out, seed=seed))


def train(
    source: Source,
    recipe: RecipeName = "cnn",
    out: Annotated[
        Path | None, typer.Option(help="Run folder.", show_default="runs/RECIPE-SPLIT-seedN")
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            help="person, subject, official, image (leaky), or a file written by `data split`."
        ),
    ] = "person",
    seed: Seed = 0,
    settings: Settings = None,
    weights: Weights = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start again instead of resuming a stopped run.")
    ] = False,
    fractions: Fractions = FRACTIONS,
    target_recall: Annotated[
        float,
        typer.Option(min=0, max=1, help="Target sensitivity for ALL at the operating point."),
    ] = 0.95,
    log_to: Annotated[
        list[str] | None,
        typer.Option(
            "--log",
            metavar="KIND:PLACE",
            help="Log settings and metrics to mlflow:URI or tensorboard:DIR as well; repeatable.",
        ),
    ] = None,
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    jobs: Jobs = None,
    data_source: DataSource = None,
    data_license: DataLicense = None,
    as_json: Json = False,
) -> None:
    """Train a model and export it as one file.

    Run the same command again to resume a stopped run.
    """
    run = ls.train(
        read(source, labels, columns, subject_pattern),
        recipe,
        out=out,
        split=split,
        seed=seed,
        settings=dict(parse_setting(text) for text in settings or ()),
        weights=weights,
        resume=not fresh,
        fractions=parse_fractions(fractions),
        target_recall=target_recall,
        log_to=log_to or (),
        jobs=jobs,
        data_source=data_source,
        data_license=data_license,
    )
    if not is_first_process():
        return
    report({"run": str(run.folder), "model": str(run.model)}, as_json)
    if not as_json:
        hint(f"Evaluate it: leukoscope evaluate {run.folder}")


def release(
    source: Source,
    recipe: RecipeName = "default",
    out: Annotated[Path, typer.Option(help="Model file to write.")] = Path("model.onnx"),
    folds: Annotated[int, typer.Option(min=2, help="Folds over persons.")] = 7,
    seed: Seed = 0,
    predictions: Annotated[
        Path | None, typer.Option(help="Table of out-of-fold predictions to write (.csv).")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for plots of these predictions.")
    ] = None,
    target_recall: Annotated[
        float,
        typer.Option(min=0, max=1, help="Target sensitivity for ALL at the operating point."),
    ] = 0.95,
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    jobs: Jobs = None,
    data_source: DataSource = None,
    data_license: DataLicense = None,
    as_json: Json = False,
) -> None:
    """Fit a model on all persons, with out-of-fold metrics.

    Each person is predicted by a model that has not seen that person. For classical recipes.
    """
    released = ls.release(
        read(source, labels, columns, subject_pattern),
        recipe,
        out=out,
        folds=folds,
        seed=seed,
        predictions=predictions,
        figures=figures,
        target_recall=target_recall,
        jobs=jobs,
        data_source=data_source,
        data_license=data_license,
    )
    if as_json:
        from dataclasses import asdict

        results = {key: asdict(metric) for key, metric in released.card.results.items()}
        report({"model": str(out), "metrics": results}, as_json)
        return
    from leukoscope.api.release import release_text

    show(release_text(released))


def adapt(
    model: Annotated[
        str, typer.Argument(help='Model file, run folder, or "default" for the shipped model.')
    ],
    source: Source,
    out: Annotated[Path, typer.Option(help="Model file to write.")] = Path("adapted.onnx"),
    folds: Annotated[int, typer.Option(min=2, help="Folds over persons.")] = 7,
    seed: Seed = 0,
    refit: Annotated[
        bool | None,
        typer.Option(
            "--refit/--no-refit",
            help="Always or never fit the last layer again; by default only if it helps.",
            show_default=False,
        ),
    ] = None,
    target_recall: Annotated[
        float,
        typer.Option(min=0, max=1, help="Target sensitivity for ALL at the operating point."),
    ] = 0.95,
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    jobs: Jobs = None,
    data_source: DataSource = None,
    data_license: DataLicense = None,
    as_json: Json = False,
) -> None:
    """Adapt a model to labeled cells of another laboratory.

    Sets threshold, limits and calibration on at least three persons of each class whom the model
    has not seen. Metrics are measured on left-out persons.
    """
    adapted = ls.adapt(
        None if model == "default" else model,
        read(source, labels, columns, subject_pattern),
        out=out,
        folds=folds,
        seed=seed,
        refit=refit,
        target_recall=target_recall,
        jobs=jobs,
        data_source=data_source,
        data_license=data_license,
    )
    if as_json:
        from dataclasses import asdict

        after = {key: asdict(metric) for key, metric in adapted.card.results.items()}
        adaptation = adapted.card.adaptation
        assert adaptation is not None  # every adapted model has one
        before = {key: asdict(metric) for key, metric in adaptation.before.items()}
        method = adaptation.method
        report({"model": str(out), "method": method, "before": before, "metrics": after}, as_json)
        return
    from leukoscope.api.adapt import adaptation_report

    show(adaptation_report(adapted))
    hint(f"Predict with it: leukoscope predict CELLS --model {out}")


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
