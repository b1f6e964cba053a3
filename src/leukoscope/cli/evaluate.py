"""The commands evaluate and submission."""

from pathlib import Path
from typing import Annotated

import typer

import leukoscope as ls
from leukoscope.cli.common import DataSource, Jobs, Json, hint, report
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.printable import show


def evaluate(
    run: Annotated[
        Path,
        typer.Argument(help='Run folder, model file, or "default" for the shipped model.'),
    ],
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
    official_set: Annotated[
        str | None,
        typer.Option(
            "--set",
            metavar="preliminary",
            help="Evaluate on the official preliminary test set of C-NMC 2019 in --data, with and "
            "without the subject who is in the training set too. Exit code 3 if the set is "
            "incomplete.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Label file of the preliminary set, if it is not inside --data."),
    ] = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Measure the performance of a model on persons it has not seen.

    Every metric has a 95 % interval by bootstrap over persons.
    """
    if official_set is not None:
        _evaluate_set(official_set, run, data, labels, allow_overlap, out, jobs, as_json)
        return
    if labels is not None:
        raise typer.BadParameter("--labels belongs to --set preliminary.")
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
    from leukoscope.api.evaluate import report_folder
    from leukoscope.evaluation.metrics.metrics import METRICS
    from leukoscope.evaluation.report.report import REPORT_NAME
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
    hint(f"Report: {(out or report_folder(run)) / REPORT_NAME}")


def _evaluate_set(
    name: str,
    run: Path,
    data: Path | None,
    labels: Path | None,
    allow_overlap: bool,
    out: Path | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    if name != "preliminary":
        raise typer.BadParameter(
            f"--set {name}: only the preliminary set has public labels; for the final one use "
            "`leukoscope submission`."
        )
    if data is None:
        raise typer.BadParameter("--set preliminary needs --data DIR.")
    result = ls.evaluate_preliminary(
        run, data, labels=labels, allow_overlap=allow_overlap, out=out, jobs=jobs
    )
    if as_json:
        report(result.to_dict(), True)
        raise typer.Exit(result.exit_code)
    from leukoscope.evaluation.metrics.metrics import TITLES
    from leukoscope.evaluation.report.text import warnings

    rows = [("", "all", "without subject 55"), *result.rows()]
    widths = [max(len(row[column]) for row in rows) + 2 for column in (0, 1)]
    lines = [f"{title:<{widths[0]}}{one:<{widths[1]}}{other}" for title, one, other in rows]
    published = [
        f"{TITLES[one.metric]} {one.value:.3f}  {one.system}; {one.protocol} ({one.source})"
        for one in result.published
    ]
    heading = "Published results, stated by the authors, not measured here:"
    report([*result.check.lines(), *warnings(result.whole), RESEARCH_USE, "", *lines], False)
    report(["", heading, *published], False)
    raise typer.Exit(result.exit_code)


def submission(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] DIR", help="Model file or run; folder of the official test set."
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Model file or run; by default the shipped model."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="ZIP to write; a CSV is written into the same folder.")
    ] = Path("submission.zip"),
    test_set: Annotated[
        str, typer.Option("--set", help="Official test set: final or preliminary.")
    ] = "final",
    threshold: Annotated[
        float, typer.Option(help="Probability from which an image is predicted as ALL.")
    ] = 0.5,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Write predictions of a test set of C-NMC for its challenge.

    The format is that of ISBI 2019: one line per image in the order 1.bmp, 2.bmp, ...: 1 for ALL, 0
    for HEM. Exit code 3 if an image is not the official one.
    """
    from leukoscope.inference.named_model import split_model

    model, folders = split_model(paths, model)
    if len(folders) != 1:
        raise typer.BadParameter("name one folder, that of the test set.")
    result = ls.submission(
        folders[0], model, out=out, test_set=test_set, threshold=threshold, jobs=jobs
    )
    facts = {
        "set": test_set,
        "images": sum(result.counts.values()),
        **result.counts,
        "threshold": result.threshold,
        "notes": result.notes,
        "written_to": [str(result.path), str(result.table)],
    }
    report(facts, as_json)
    raise typer.Exit(result.exit_code)
