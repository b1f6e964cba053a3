"""Forest plots of runs: their metrics, and their differences from a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from leukoscope.core.plot_style import ALL_COLOR, FAINT, INK, MODEL_COLOR, dress, figure
from leukoscope.core.values import Estimate

LINE = 0.27  # inches
LONGEST = 44  # characters of a name


@dataclass(frozen=True)
class Block:
    """Lines of a forest plot under one heading; leaky ones are drawn hollow and red."""

    title: str
    leaky: bool
    lines: Sequence[tuple[str, Estimate]]


def forest(blocks: Sequence[Block], label: str, zero: float | None = None) -> Figure:
    """Draw metrics with their intervals, one line for each run, in blocks that share a protocol.

    S. Lewis, M. Clarke, "Forest plots: trying to see the wood and the trees", BMJ 322 (2001)
    1479-1480.

    Args:
        blocks: From top to bottom; an undefined metric keeps its line and has no dot.
        label: Label of the horizontal axis.
        zero: Position of a line that marks "no difference", if any.
    """
    lines = sum(len(block.lines) + 1 for block in blocks)
    sheet, axes = figure(8.2, 0.9 + LINE * max(4, lines))
    names, places, place = [], [], 0
    for block in blocks:
        color = ALL_COLOR if block.leaky else MODEL_COLOR
        heading = f"LEAKY  {block.title}" if block.leaky else block.title
        axes.annotate(
            heading,
            (0, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=ALL_COLOR if block.leaky else INK,
            weight="bold",
            parse_math=False,
        )
        place += 1
        for name, estimate in block.lines:
            if estimate.low is not None and estimate.high is not None:
                axes.hlines(place, estimate.low, estimate.high, color, linewidth=1.6)
            face = "white" if block.leaky else color
            axes.plot(estimate.value, place, "o", color=color, markerfacecolor=face, markersize=6)
            names.append(_cut(name))
            places.append(place)
            place += 1
    if zero is not None:
        axes.axvline(zero, color=FAINT, linewidth=1)
    dress(axes, label, "")
    axes.set(yticks=places, ylim=(place - 0.4, -0.8))
    for text in axes.set_yticklabels(names):
        text.set_parse_math(False)  # a dollar in a folder's name is not a formula
    axes.grid(visible=False, axis="y")
    return sheet


def _cut(name: str) -> str:
    """Shorten a long name to its end, which is the most specific part."""
    return name if len(name) <= LONGEST else "…" + name[1 - LONGEST :]
