"""Options that several commands share, and how a result is printed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import leukoscope as ls
from leukoscope.cli.verbosity import Group
from leukoscope.core.console_log import is_shown
from leukoscope.core.printable import show
from leukoscope.core.seeds import LARGEST_SEED

SETTINGS: dict[str, Any] = {
    "cls": Group,
    "no_args_is_help": True,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
}

Source = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", help="Folder of cell images, or table of paths (.csv, .jsonl, .parquet)."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Random seed.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Threads; by default one per core.")]
Labels = Annotated[
    str | None,
    typer.Option(
        help="Names of the classes in folders and tables, as in all=blasts,hem=healthy; "
        "unknown=NAME for neither class."
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(help="Columns of the table, as in path=file,label=diagnosis,subject=patient."),
]
SubjectPattern = Annotated[
    str | None,
    typer.Option(help=r"Regular expression that finds the subject in a path: 'patient_(\w+)'."),
]
Only = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Use only the images in a list, one per line; cnmc-7071 is the list of the "
        "published results.",
    ),
]
DataSource = Annotated[
    str | None,
    typer.Option(
        "--data-source",
        metavar="NAME",
        help="Name of the data set of the cells; C-NMC 2019 is recognized by its images.",
    ),
]
DataLicense = Annotated[
    str | None,
    typer.Option("--data-license", metavar="NAME", help="License of that data set."),
]
Fractions = Annotated[
    str,
    typer.Option(
        help="Fractions of the training, validation and test subsets, separated by commas."
    ),
]
FRACTIONS = "0.5,0.2,0.3"  # a test compares it: importing it would slow down --help


def read(
    source: Path,
    labels: str | None,
    columns: str | None,
    subject_pattern: str | None,
    only: str | None = None,
) -> "ls.Cohort | Path":
    """Read a data set with options; without any, leave that to the function that needs it."""
    if not (labels or columns or subject_pattern or only):
        return source
    return ls.read_cohort(
        source, labels=labels, columns=columns, subject_pattern=subject_pattern, only=only
    )


def parse_fractions(text: str) -> tuple[float, ...]:
    """Split numbers at commas; their sum is checked with the split."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r}: write three numbers, as in --fractions {FRACTIONS}."
        ) from None


def report(result: Mapping[str, Any] | Sequence[Any], as_json: bool) -> None:
    """Print a result as JSON, or as lines to read."""
    if as_json:
        show(json.dumps(result, indent=1, ensure_ascii=False, default=str))
    elif isinstance(result, Mapping):
        show(*_lines(result), sep="\n")
    else:
        show(*result, sep="\n")


def hint(text: str) -> None:
    """Print a proposal for the next command, except with -q."""
    if is_shown():
        show(text)


def _lines(facts: Mapping[str, Any], indent: str = "") -> list[str]:
    """Lines of facts: their names in words, and the keys inside one as they are: they are data."""
    width = max((len(str(name)) for name in facts), default=0) + 2
    lines = []
    for name, value in facts.items():
        heading = str(name) if indent else str(name).replace("_", " ")
        if isinstance(value, Mapping) and value:
            lines += [f"{indent}{heading}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{heading:<{width}}{_words(value)}")
    return lines


def _words(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | Mapping):
        return "; ".join(" ".join(v) if isinstance(v, list) else str(v) for v in value) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
