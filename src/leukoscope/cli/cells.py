"""The command cells."""

from pathlib import Path
from typing import Annotated

import typer

import leukoscope as ls
from leukoscope.cli.common import Jobs, Json, Labels, SubjectPattern, report


def cells(
    fields: Annotated[
        list[Path], typer.Argument(metavar="FIELDS...", help="Pictures: files, folders, patterns.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder to create for images, cells.csv, objects.csv and sheets.")
    ] = Path("cells"),
    um_per_px: Annotated[
        float | None,
        typer.Option(
            "--um-per-px",
            help="µm per pixel of the fields; by default the scale that the files state, or an "
            "estimate from their red cells.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help='Keep cells that this reason would exclude, such as "lobed nucleus"; repeatable.'
        ),
    ] = None,
    labels: Labels = None,
    subject_pattern: SubjectPattern = None,
    match_color: Annotated[
        bool, typer.Option("--match-color", help="Match the colors of the cells to those of C-NMC.")
    ] = False,
    segmenter: Annotated[
        str, typer.Option(help="classical; or cellpose or stardist, if installed.")
    ] = "classical",
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Cut the white cells out of smear pictures.

    The cells are on black and at the scale of C-NMC. Writes cells.csv, a cohort for every other
    command; objects.csv with all objects and the reason if one was left out; and a sheet per
    field. Exit code 3 if a picture could not be read.
    """
    result = ls.cells(
        fields,
        out=out,
        um_per_px=um_per_px,
        keep=keep or (),
        labels=labels,
        subject_pattern=subject_pattern,
        match_color=match_color,
        segmenter=segmenter,
        jobs=jobs,
    )
    report(result.summary(), as_json)
    raise typer.Exit(result.exit_code)
