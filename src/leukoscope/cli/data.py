"""The verbs below `leukoscope data`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from leukoscope.cli.common import CORES, SETTINGS, Jobs, Json, Seed, Source, report

data = typer.Typer(help="Look at, check and divide a data set.", **SETTINGS)


@data.command("info")
def data_info(source: Source, as_json: Json = False) -> None:
    """Count cells, subjects and folds."""
    from leukoscope import api

    report(api.describe_data(source), as_json)


@data.command("verify")
def data_verify(source: Source, as_json: Json = False) -> None:
    """Compare a folder with the official C-NMC 2019.

    Says what is missing, altered and extra. Exit code 1 where it is no true copy.
    """
    from leukoscope import api

    found = api.verify_data(source)
    report(found.to_dict() if as_json else found.summary(), as_json)
    raise typer.Exit(found.exit_code)


@data.command("audit")
def data_audit(
    source: Source,
    out: Annotated[Path, typer.Option(help="Folder for the table, the pairs and the page.")] = Path(
        "audit"
    ),
    jobs: Jobs = CORES,
    as_json: Json = False,
) -> None:
    """Find copies of a cell, and who is one person.

    Writes pairs.csv, audit.html to check them by eye, and cohort.csv with the persons.
    """
    from leukoscope import api

    result = api.audit(source, out, jobs)
    kinds = list(result.pairs["kind"])
    facts = {
        "cells": len(result.cohort),
        "persons": len(set(result.persons.values())),
        "subjects": len(result.persons),
        "subjects_of_one_person": list(result.linked.values()),
        "identical_pairs": kinds.count("exact"),
        "pairs_of_one_cell": kinds.count("same-cell"),
        "pairs_of_two_labels": int(result.label_conflicts.sum()),
        "written_to": str(out),
    }
    report(facts, as_json)


@data.command("report")
def data_report(
    source: Source,
    out: Annotated[Path, typer.Option(help="Folder for the page and the measurements.")] = Path(
        "data-report"
    ),
    as_json: Json = False,
) -> None:
    """Draw what an explorer wants to see, as a page."""
    from leukoscope import api

    report({"report": str(api.report_data(source, out))}, as_json)


@data.command("download")
def data_download(
    name: Annotated[str, typer.Argument(metavar="cnmc", help="The data set: cnmc.")],
    to: Annotated[Path, typer.Option(help="Folder to download into.")] = Path("data/cnmc"),
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Fetch C-NMC 2019 and verify it.

    Its size, license and citation are shown first.
    """
    if name != "cnmc":
        raise typer.BadParameter(f"{name!r} is not known; the data set to download is cnmc.")
    from leukoscope import api

    def confirm(lines: Sequence[str]) -> bool:
        print(*lines, sep="\n", file=sys.stderr)
        return yes or typer.confirm("Download?", err=True)

    found = api.download(to, confirm)
    if found is not None:
        report(found.summary(), False)
        raise typer.Exit(found.exit_code)


@data.command("synthesize")
@data.command("synthesise", hidden=True)
def data_synthesize(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
    persons: Annotated[int, typer.Option(help="How many persons.")] = 24,
    cells: Annotated[int, typer.Option(help="Images of each.")] = 25,
    seed: Seed = 0,
) -> None:
    """Draw a cohort of synthetic cells."""
    from leukoscope import api

    cohort = api.make_synthetic(out, persons, cells, seed)
    report({"synthetic_cells": len(cohort), **cohort.counts(), "written_to": str(out)}, False)


@data.command("split")
def data_split(
    source: Source,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("split.json"),
    kind: Annotated[
        str, typer.Option(help="person, subject, official, or image (leaky).")
    ] = "person",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Divide a cohort into train, validation, test.

    Writes a file that says who stands where, for `leukoscope train --split FILE`.
    """
    from leukoscope import api

    split = api.split(source, out, kind, seed)
    parts = {part: split.units(part) for part in ("train", "validation", "test")}
    named = parts if as_json or split.unit != "path" else {part: len(parts[part]) for part in parts}
    facts = {"kind": split.kind, "seed": split.seed, "leaky": split.leaky, "by": split.unit}
    report({**facts, **named, "warnings": list(split.warnings), "written_to": str(out)}, as_json)
