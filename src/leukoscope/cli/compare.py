"""The command compare."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import leukoscope as ls
from leukoscope.cli.common import Json
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.printable import show, visible

if TYPE_CHECKING:
    from rich.console import Console

    from leukoscope.evaluation.comparison.comparison import Group
    from leukoscope.evaluation.comparison.record import Comparison

WIDEST = 1000
"""Characters of a line that goes into a file or a pipe."""
LONGEST = 44
"""Characters of a line in a table's cell; longer ones are folded."""
GAP = 2
"""Characters between the columns of a table."""


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS...", help="Evaluated run folders.")],
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|RECIPE", help="Show differences from this run, on the same cells."
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="Metric to rank by (a key in report.json).")] = (
        "auroc"
    ),
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|FILE", help="Folder for table, page and JSON; or one .csv or .html."
        ),
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option(help="Published results to list next to ours (.yaml, .csv)."),
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure the speed of the models on this machine.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare evaluated runs.

    Runs are ranked only among runs of the same data and protocol. Exit code 3 if a run was
    skipped.
    """
    comparison = ls.compare(runs, baseline, metric=metric, out=out, claims=claims, speed=speed)
    for line in (*comparison.skipped, *comparison.remarks):
        show("leukoscope:", line, file=sys.stderr)
    if as_json:
        show(comparison.to_json(), end="")
    else:
        _print(comparison)
    raise typer.Exit(comparison.exit_code)


def _print(comparison: "Comparison") -> None:
    from rich.console import Console

    from leukoscope.evaluation.comparison import text as words

    wide = None if sys.stdout.isatty() else WIDEST
    console = Console(width=wide, markup=False, highlight=False, emoji=False)
    for group in comparison.groups:
        _print_group(console, group, comparison)
    _print_means(console, comparison)
    _print_claims(console, comparison)
    console.print(
        *words.advice(comparison), *filter(None, [comparison.speed]), RESEARCH_USE, sep="\n"
    )


def _print_group(console: "Console", group: "Group", comparison: "Comparison") -> None:
    from rich.text import Text

    from leukoscope.evaluation.comparison import text as words

    console.print(Text(visible(words.heading(group)), style="bold"))
    if group.leaky:
        console.print(Text(visible(words.leaky_sentence(group)), style="bold red"))
    console.print(Text(visible(words.identity(group)), style="dim"))
    first, *others = words.shown_metrics(comparison.metric)
    rows, entries = group.rows, [row.entry for row in group.rows]
    columns = {
        "#": ["" if row.rank is None else str(row.rank) for row in rows],
        "Run": [entry.name for entry in entries],
        words.title(first): [str(entry.evaluation.metrics[first]) for entry in entries],
        "Minus baseline": [words.difference(row, first) for row in rows],
        "Recipe": ["\n".join([entry.recipe, *entry.settings]) for entry in entries],
    }
    for key in others:
        head = words.title(key).replace(" ", "\n")
        columns[head] = [f"{entry.value(key):.3f}" for entry in entries]
    columns |= {
        "Weights": [words.weights(entry) for entry in entries],
        "MB": [words.megabytes(entry) for entry in entries],
        "Training": [words.cost(entry) for entry in entries],
        "Images/s": [words.speed(entry) for entry in entries],
    }
    _print_columns(console, {head: cells for head, cells in columns.items() if any(cells)})


def _print_means(console: "Console", comparison: "Comparison") -> None:
    from rich.text import Text

    from leukoscope.evaluation.comparison import text as words

    if not comparison.means:
        return
    console.print(Text("Means over test sets", style="bold"))
    console.print(Text(words.SEEDS, style="dim"))
    columns = {
        "Recipe": [words.with_settings(mean.recipe, mean.settings) for mean in comparison.means],
        "Split": [f"{mean.split}{' LEAKY' * mean.leaky}" for mean in comparison.means],
        "Sets": [str(mean.test_sets) for mean in comparison.means],
    }
    for key in words.shown_metrics(comparison.metric):
        columns[words.title(key)] = [
            str(mean.metrics.get(key, "not defined")) for mean in comparison.means
        ]
    _print_columns(console, columns)


def _print_columns(console: "Console", columns: dict[str, list[str]]) -> None:
    """Print as many columns as fit unbroken, and at least the first three."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    left, shown = console.width, list(columns)
    for head, cells in columns.items():
        lines = [line for text in (head, *cells) for line in text.split("\n")]
        width = min(LONGEST, max(map(len, lines)))
        if width > left and len(table.columns) >= 3:
            shown = shown[: len(table.columns)]
            break
        table.add_column(Text(visible(head)), width=min(width, console.width), overflow="fold")
        left -= width + GAP
    for row in zip(*(columns[head] for head in shown), strict=True):
        table.add_row(*(Text(visible(cell), "red" if "LEAKY" in cell else "") for cell in row))
    console.print(table)
    if hidden := [head.replace("\n", " ") for head in columns if head not in shown]:
        note = f"A wider terminal, or --out, shows also: {', '.join(hidden)}."
        console.print(Text(visible(note), style="dim"))
    console.print()


def _print_claims(console: "Console", comparison: "Comparison") -> None:
    from rich.text import Text

    from leukoscope.evaluation.comparison.published import MARK
    from leukoscope.evaluation.metrics.metrics import TITLES

    shown = [row for row in comparison.published if row.ours]
    if not shown:
        return
    console.print(Text(f"Published results ({MARK})", style="bold"))
    for row in shown:
        claim = row.claim
        leaky = " LEAKY" if row.leaky else ""
        half = f"; at 0.5 {row.at_half}" if row.at_half else ""
        console.print(
            Text(
                visible(
                    f"{claim.system}, {claim.protocol}: {TITLES[claim.metric]} {claim.value:.3f} "
                    f"claimed. Ours {row.split}{leaky}: {row.at_point}{half} ({row.ours})"
                )
            )
        )
    console.print()
