"""The command line's verb that sets runs side by side."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leukoscope.cli_common import Json
from leukoscope.errors import RESEARCH_USE

if TYPE_CHECKING:
    from rich.console import Console

    from leukoscope.evaluation.comparison import Group
    from leukoscope.evaluation.comparison_record import Comparison

WIDEST = 220
"""Columns of a table that goes into a file or a pipe."""


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS...", help="Measured run folders.")],
    baseline: Annotated[
        str | None,
        typer.Option(metavar="RUN|RECIPE", help="What to subtract, on the same cells."),
    ] = None,
    metric: Annotated[str, typer.Option(help="What ranks; a key of report.json's metrics.")] = (
        "auroc"
    ),
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER|FILE", help="Table, page and JSON; or one .csv or .html."),
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option(help="Figures of others to set beside ours (.yaml, .csv)."),
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Time the models side by side, now.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set measured runs side by side.

    Runs are ranked only with runs of the same data and protocol. Exit code 3 if any was left out.
    """
    from leukoscope import verbs

    found = verbs.compare(runs, baseline, metric=metric, out=out, claims=claims, speed=speed)
    for line in (*found.left_out, *found.remarks):
        print("leukoscope:", line, file=sys.stderr)
    if as_json:
        print(found.to_json(), end="")
    else:
        _print(found)
    raise typer.Exit(found.exit_code)


def _print(found: "Comparison") -> None:
    from rich.console import Console

    from leukoscope.evaluation import comparison_words as words

    wide = None if sys.stdout.isatty() else WIDEST
    console = Console(width=wide, markup=False, highlight=False, emoji=False)
    for group in found.groups:
        _print_group(console, group, found)
    _print_means(console, found)
    _print_claims(console, found)
    console.print(*words.advice(found), found.speed, RESEARCH_USE, sep="\n")


def _print_group(console: "Console", group: "Group", found: "Comparison") -> None:
    from rich.table import Table
    from rich.text import Text

    from leukoscope.evaluation import comparison_words as words

    console.print(Text(words.heading(group), style="bold"))
    if group.leaky:
        console.print(Text(words.leaky_sentence(group), style="bold red"))
    console.print(Text(words.identity(group), style="dim"))
    first, *others = words.shown_metrics(found.metric)
    table = Table(box=None, pad_edge=False, header_style="bold")
    narrow = [words.title(key).replace(" ", "\n") for key in others]
    heads = ["#", "Run", "Recipe", words.title(first), "Less baseline", *narrow]
    heads += ["Weights", "MB", "Training", *(["Images/s"] if found.speed else [])]
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in group.rows:
        entry, figures = row.entry, row.entry.evaluation.metrics
        table.add_row(
            *map(
                Text,
                [
                    "" if row.rank is None else str(row.rank),
                    entry.name,
                    "\n".join([entry.recipe, *entry.settings]),
                    str(figures[first]),
                    words.difference(row, first),
                    *(f"{figures[key].value:.3f}" for key in others),
                    words.weights(entry),
                    words.megabytes(entry),
                    words.cost(entry),
                    *([words.speed(entry)] if found.speed else []),
                ],
            )
        )
    console.print(table)
    console.print()


def _print_means(console: "Console", found: "Comparison") -> None:
    from rich.table import Table
    from rich.text import Text

    from leukoscope.evaluation import comparison_words as words

    if not found.means:
        return
    console.print(Text("Means over test sets", style="bold"))
    console.print(Text(words.SEEDS, style="dim"))
    shown = words.shown_metrics(found.metric)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("Recipe", "Split", "Sets", *map(words.title, shown)):
        table.add_column(head, overflow="fold")
    for mean in found.means:
        split = Text(f"{mean.split} LEAKY", style="red") if mean.leaky else Text(mean.split)
        figures = [str(mean.metrics.get(key, "not defined")) for key in shown]
        recipe = words.with_settings(mean.recipe, mean.settings)
        table.add_row(Text(recipe), split, str(mean.test_sets), *map(Text, figures))
    console.print(table)
    console.print()


def _print_claims(console: "Console", found: "Comparison") -> None:
    from rich.text import Text

    from leukoscope.evaluation.claims import MARK, TITLES

    shown = [row for row in found.claims if row.ours]
    if not shown:
        return
    console.print(Text(f"Beside what others claim ({MARK})", style="bold"))
    for row in shown:
        claim = row.claim
        leaky = " LEAKY" if row.leaky else ""
        half = f"; at 0.5 {row.at_half}" if row.at_half else ""
        console.print(
            Text(
                f"{claim.system}, {claim.protocol}: {TITLES[claim.metric]} {claim.value:.3f} "
                f"claimed. Ours {row.split}{leaky}: {row.at_point}{half} ({row.ours})"
            )
        )
    console.print()
