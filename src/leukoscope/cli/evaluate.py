"""The command evaluate."""

from pathlib import Path
from typing import Annotated

import typer

import leukoscope as ls
from leukoscope.cli.common import DataSource, Jobs, Json, report
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.printable import show


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
    data_source: DataSource = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Measure the performance of a model on persons it has not seen.

    Every metric has a 95 % interval by bootstrap over persons.
    """
    result = ls.evaluate(
        run,
        data,
        part=part,
        allow_overlap=allow_overlap,
        out=out,
        jobs=jobs,
        data_source=data_source,
    )
    if as_json:
        show(result.to_json(), end="")
        return
    from leukoscope.evaluation.metrics.metrics import METRICS
    from leukoscope.evaluation.report.text import warnings

    notes = [f"Note: {note}" for note in result.protocol.notes]
    report([*warnings(result), *notes, RESEARCH_USE, ""], False)
    report({metric.title: str(result.metrics[metric.key]) for metric in METRICS}, False)
    if result.person_answers is not None:
        from leukoscope.evaluation.report.person_answers import metric_rows

        report({title: value for title, value, _ in metric_rows(result.person_answers)}, False)
    if result.selection is not None:
        from leukoscope.evaluation.report.selection import summary

        report(["", *summary(result.selection)], False)
