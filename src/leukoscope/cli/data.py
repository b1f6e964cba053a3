"""The commands below `leukoscope data`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import leukoscope as ls
from leukoscope.cli.common import (
    FRACTIONS,
    SETTINGS,
    Columns,
    DataLicense,
    DataSource,
    Fractions,
    Jobs,
    Json,
    Labels,
    Only,
    Seed,
    Source,
    SubjectPattern,
    parse_fractions,
    read,
    report,
)
from leukoscope.core.printable import show

data = typer.Typer(help="Inspect, verify, audit and split a data set.", **SETTINGS)


@data.command("info")
def data_info(
    source: Source,
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    only: Only = None,
    as_json: Json = False,
) -> None:
    """Count cells, subjects, persons and folds."""
    cells = read(source, labels, columns, subject_pattern, only)
    facts = ls.describe_data(cells)
    report(facts if as_json else _readable(facts), as_json)


def _readable(facts: dict[str, Any]) -> dict[str, Any]:
    """The counts of `data info` with headings that state their source."""
    total, sampled = facts["cells"]["total"], facts["image_sizes_of"]
    headings = {}
    if sampled < total:
        headings["image_sizes"] = f"image sizes, of {sampled:,} of {total:,} images, evenly spaced"
    if facts["persons"] and not facts["audited"]:
        headings["persons"] = "persons of the table, not audited"
    unknown = "not known before an audit: leukoscope data audit"
    shown = {
        **facts,
        "persons": facts["persons"] or unknown,
        "flags": facts["flags"] or "none",
    }
    omitted = ("image_sizes_of", "audited")
    return {headings.get(name, name): shown[name] for name in facts if name not in omitted}


@data.command("verify")
def data_verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a copy of C-NMC 2019.")],
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Compare a copy of C-NMC 2019 with the official list of files.

    Lists missing, altered and extra files. Exit code 1 if an image is altered, misplaced, renamed
    or unreadable, or if none is official; a partial copy passes.
    """
    verification = ls.verify_data(folder, jobs=jobs)
    report(verification.to_dict() if as_json else verification.summary(), as_json)
    raise typer.Exit(verification.exit_code)


@data.command("audit")
def data_audit(
    source: Source,
    out: Annotated[
        Path, typer.Option(help="Folder for cohort.csv, pairs.csv and audit.html.")
    ] = Path("audit"),
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    only: Only = None,
    jobs: Jobs = None,
    data_source: DataSource = None,
    data_license: DataLicense = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Folder of an existing audit: compare these images with its images and with each "
            "other, without reading all of them again. --out gets the rows of both."
        ),
    ] = None,
    cluster: Annotated[
        bool,
        typer.Option(
            "--cluster",
            help="Read the images on a Ray cluster (RAY_ADDRESS, or one on this machine). All "
            "machines must see them under the same path.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Find duplicate images and subject ids of one person.

    Writes cohort.csv (the cells with their persons), pairs.csv, and audit.html to check the pairs
    by eye. Exit code 3 if an image could not be read or compared.
    """
    cells = read(source, labels, columns, subject_pattern, only)
    result = ls.audit(
        cells,
        out=out,
        jobs=jobs,
        data_source=data_source,
        data_license=data_license,
        against=against,
        cluster=cluster,
    )
    from leukoscope.data.advice import advice
    from leukoscope.data.sources import names

    kinds = list(result.pairs["kind"])
    facts: dict[str, Any] = {
        "cells": len(result.cohort),
        "data_sources": names(result.cohort),
        "persons": len(result.cohort.unique("person")),
        "subjects": len(result.persons),
        "subjects_of_one_person": list(result.linked.values()),
        "persons_of_the_table": list(result.notes),
        "identical_pairs": kinds.count("exact"),
        "pairs_of_same_pixels": kinds.count("same-pixels"),
        "copies": sum(kind != "same-cell" for kind in kinds),
        "pairs_of_one_cell": kinds.count("same-cell"),
        "pairs_of_two_labels": int(result.label_conflicts.sum()),
        "unreadable": len(result.unreadable),
        "not_compared": len(result.not_compared),
        "in_two_official_parts": [list(pair) for pair in result.copies.items()]
        if as_json
        else result.copy_notes,
    }
    if as_json:
        facts["not_checked"] = {
            "unreadable": result.unreadable,
            "not_compared": result.not_compared,
        }
    else:
        facts["not_checked"] = result.remarks
    notes = [*result.cohort.notes, *advice(result.cohort)]
    report({**facts, **({"notes": notes} if notes else {}), "written_to": str(out)}, as_json)
    raise typer.Exit(result.exit_code)


@data.command("report")
def data_report(
    source: Source,
    out: Annotated[Path, typer.Option(help="Folder for the page and measurements.csv.")] = Path(
        "data-report"
    ),
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    only: Only = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Write a page with counts, image sizes, colors and outliers."""
    cells = read(source, labels, columns, subject_pattern, only)
    report({"report": str(ls.report_data(cells, out, jobs=jobs))}, as_json)


@data.command("download")
def data_download(
    name: Annotated[str, typer.Argument(metavar="cnmc", help="Data set; only cnmc is known.")],
    to: Annotated[Path, typer.Option(help="Folder to download into.")] = Path("data/cnmc"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Download C-NMC 2019 and verify it.

    Shows size, license and citation first.
    """
    if name != "cnmc":
        raise typer.BadParameter(f"{name!r} is not known; the data set to download is cnmc.")

    def confirm(lines: Sequence[str]) -> bool:
        show(*lines, sep="\n", file=sys.stderr)
        return yes or typer.confirm("Download?", err=True)

    verification = ls.download(to, confirm=confirm)
    if verification is not None:
        report(verification.summary(), False)
        raise typer.Exit(verification.exit_code)


@data.command("synthesize")
@data.command("synthesise", hidden=True)
def data_synthesize(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write.")],
    persons: Annotated[int, typer.Option(help="Number of persons.")] = 24,
    cells: Annotated[int, typer.Option(help="Cells per person.")] = 25,
    seed: Seed = 0,
) -> None:
    """Draw a cohort of synthetic cells."""
    cohort = ls.make_synthetic(out, persons=persons, cells=cells, seed=seed)
    report({"synthetic_cells": len(cohort), **cohort.counts(), "written_to": str(out)}, False)


@data.command("split")
def data_split(
    source: Source,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("split.json"),
    kind: Annotated[
        str, typer.Option(help="Kind of split: person, subject, official, or image (leaky).")
    ] = "person",
    seed: Seed = 0,
    fractions: Fractions = FRACTIONS,
    labels: Labels = None,
    columns: Columns = None,
    subject_pattern: SubjectPattern = None,
    only: Only = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Divide a data set into train, validation and test subsets.

    Writes a file for `leukoscope train --split FILE`. Warnings name the images that the
    audit could not check.
    """
    cells = read(source, labels, columns, subject_pattern, only)
    split = ls.split(
        cells, out=out, kind=kind, seed=seed, fractions=parse_fractions(fractions), jobs=jobs
    )
    parts = {part: split.units(part) for part in ("train", "validation", "test")}
    named = parts if as_json or split.unit != "path" else {part: len(parts[part]) for part in parts}
    facts = {"kind": split.kind, "seed": split.seed, "leaky": split.leaky, "by": split.unit}
    report({**facts, **named, "warnings": list(split.warnings), "written_to": str(out)}, as_json)
