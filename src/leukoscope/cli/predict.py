"""The commands predict and explain."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from leukoscope.cli.common import Columns, Labels, SubjectPattern, report
from leukoscope.core.console_log import is_shown
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.printable import show


def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] PATHS...", help="A model file or run; images, folders or patterns."
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Model file; by default the shipped model."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Table to write (.csv, .jsonl, .parquet); by default CSV is printed."),
    ] = None,
    subjects_out: Annotated[
        Path | None,
        typer.Option(help="Table of subjects to write (.csv, .jsonl, .parquet)."),
    ] = None,
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    in_context: Annotated[
        bool,
        typer.Option(
            "--in-context",
            help="Add the column p_all_in_context: the probability of a cell given the other cells "
            "of its subject. Verdicts do not change.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON; the rows go to --out.")
    ] = False,
    cluster: Annotated[
        bool,
        typer.Option(
            "--cluster",
            help="Predict on a Ray cluster (RAY_ADDRESS, or one on this machine) into Parquet "
            "parts; --out is then a folder or URL. Paths may be URLs, such as s3://.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of workers of --cluster; by default as many as the cluster has room for.",
        ),
    ] = None,
    worker_cores: Annotated[
        int | None,
        typer.Option(min=1, help="Number of cores per worker of --cluster."),
    ] = None,
    part_rows: Annotated[
        int, typer.Option(min=1, help="Number of images per part of --cluster.")
    ] = 4096,
) -> None:
    """Predict images: a row per image and an answer per subject. Exit code 3 if an image failed.

    The verdict is blast, normal, uncertain, not a cell, or error; the column reason says why there
    is no answer.
    """
    from leukoscope.inference.named_model import split_model

    model, paths = split_model(paths, model)
    if not paths:
        raise typer.BadParameter("name images, folders or patterns after the model.")
    if as_json and out is None:
        raise typer.BadParameter("--json prints the summary here; name a file for the rows: --out.")
    from leukoscope.api.predict import predict_to_table
    from leukoscope.inference.notes import (
        beyond_note,
        color_profile_note,
        repeated_note,
        scale_notes,
        seen_note,
    )
    from leukoscope.inference.subject.text import BOTH_KINDS, NO_ANSWER, NO_PATIENT

    if cluster:
        if out is None or in_context:
            raise typer.BadParameter("--cluster needs --out, and has no --in-context.")
        if labels or columns or subject_pattern:
            raise typer.BadParameter(
                "--cluster reads the columns path and subject, without --labels, --columns and "
                "--subject-pattern."
            )
        from leukoscope.api.cluster import predict_on_cluster
        from leukoscope.inference.bulk.remote import restored

        outcome = predict_on_cluster(
            [restored(str(path)) for path in paths],
            model,
            out=restored(str(out)),
            subjects_out=subjects_out,
            workers=workers,
            worker_cores=worker_cores,
            part_rows=part_rows,
        )
    else:
        outcome = predict_to_table(
            paths,
            model,
            out=out,
            subjects_out=subjects_out,
            labels=labels,
            columns=columns,
            subject_pattern=subject_pattern,
            in_context=in_context,
        )
    if as_json:
        from dataclasses import asdict

        about = {"verdicts": outcome.verdicts, "out": str(out)}
        report({"notice": RESEARCH_USE, **asdict(outcome), **about}, True)
    else:
        lines = [
            line
            for subject in outcome.subjects
            for line in (subject.answer_sentence(), subject.sentence())
            if line
        ]
        if any(subject.answer for subject in outcome.subjects):
            lines.append(NO_PATIENT)
        elif outcome.subjects:
            lines.append(NO_ANSWER)
        if in_context:
            lines.append(BOTH_KINDS)
        tables = " and ".join(str(one) for one in (out, subjects_out) if one and str(one) != "-")
        lines.append(f"{outcome.counts_sentence()}{tables and f'; written to {tables}'}.")
        lines = lines if is_shown() else []  # the tables have it; what follows is a warning
        if note := beyond_note(outcome.beyond_crop, outcome.rows):
            lines.append(note)
        if note := seen_note(outcome.seen_in_training, outcome.rows):
            lines.append(note)
        if note := repeated_note(outcome.copies, outcome.rows):
            lines.append(note)
        if outcome.unknown_scale is None:
            lines.append("SCALE: not checked with --cluster.")
        lines += scale_notes(
            outcome.unknown_scale or 0,
            outcome.other_scale,
            outcome.scale_looked_at,
            outcome.expected_um_per_px,
        )
        if note := color_profile_note(outcome.color_profiles):
            lines.append(note)
        if outcome.failed:
            lines.append(
                f"{outcome.failed} of {outcome.rows} failed; the column `reason` says why."
            )
        show(*lines, RESEARCH_USE, sep="\n", file=sys.stderr)
    raise typer.Exit(outcome.exit_code)


def explain(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] PATHS...", help="A model file or run; images, folders or patterns."
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Model file; by default the shipped model."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for pictures and explanations.csv.")] = Path(
        "explanations"
    ),
) -> None:
    """Draw heatmaps of the evidence for and against ALL.

    A model without an exact heatmap gets an approximate one, which takes longer.
    """
    from leukoscope.api.explain import explain_to_folder
    from leukoscope.inference.named_model import split_model
    from leukoscope.inference.notes import seen_note

    model, paths = split_model(paths, model)
    if not paths:
        raise typer.BadParameter("name images, folders or patterns after the model.")
    outcome = explain_to_folder(paths, model, out=out)
    show(out / "explanations.csv")
    if note := seen_note(outcome.seen_in_training, outcome.rows):
        show(note, file=sys.stderr)
    raise typer.Exit(outcome.exit_code)
