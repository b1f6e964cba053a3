"""Plots with one row for each person: the cells, and the coverage of their prediction sets."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from leukoscope.core.plot_style import (
    ACCENT_COLOR,
    CLASS_COLORS,
    CLASS_TITLES,
    INK,
    dress,
    figure,
)
from leukoscope.evaluation.metrics.selective import PersonSelection
from leukoscope.evaluation.record import PersonRow

Rows = Sequence[PersonRow] | Sequence[PersonSelection]


def person_strip(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    rows: Sequence[PersonRow],
    threshold: ArrayLike,
) -> Figure:
    """Draw the probability of ALL of each cell, one row per person, with the fraction correct.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        rows: The rows to draw, from top to bottom.
        threshold: Drawn as a line; ALL cells to its right and HEM cells to its left are correct.
            One for all cells, or (N,), the same for all cells of a person.
    """
    truth, score, who = (
        np.asarray(label),
        np.asarray(p, np.float64),
        np.asarray(person, dtype=object),
    )
    at = np.broadcast_to(np.asarray(threshold, np.float64), score.shape)
    sheet, axes = _sheet(rows, 7.4)
    scatter = np.random.default_rng(0).uniform(-0.3, 0.3, len(score))
    for line, row in enumerate(rows):
        value = int(row.label == "ALL")
        own = (who == row.person) & (truth == value)
        axes.scatter(
            score[own],
            line + scatter[own],
            s=9,
            color=CLASS_COLORS[value],
            alpha=0.4,
            linewidths=0,
            rasterized=True,
        )
        axes.plot([np.median(score[own])] * 2, [line - 0.38, line + 0.38], color=INK, linewidth=1.8)
        axes.plot([at[own][0]] * 2, [line - 0.5, line + 0.5], color=ACCENT_COLOR, linewidth=1.5)
        _note(axes, line, f"{row.right} of {row.cells} ({row.share:.1%})")
    one = np.ndim(threshold) == 0
    title = f"operating point {at[0]:.3f}" if one else "its operating point"
    axes.plot([], [], color=ACCENT_COLOR, linewidth=1.5, label=title)
    axes.plot([], [], color=INK, linewidth=1.8, label="median")
    dress(axes, "Calibrated probability of ALL", "Person")
    axes.set_xlim(-0.02, 1.02)
    _note(axes, -1, "correct")
    _finish(axes, rows, "o")
    return sheet


def person_coverage(rows: Sequence[PersonSelection], target: dict[str, float]) -> Figure:
    """Draw the coverage of each person: the fraction of cells whose prediction set has their class.

    Args:
        rows: With `covered`, from top to bottom.
        target: The target coverage by label.
    """
    sheet, axes = _sheet(rows, 6.4)
    for line, row in enumerate(rows):
        coverage = (row.covered or 0) / row.cells
        axes.barh(line, coverage, color=CLASS_COLORS[int(row.label == "ALL")], height=0.62)
        axes.plot([target[row.label]] * 2, [line - 0.45, line + 0.45], color=ACCENT_COLOR)
        _note(axes, line, f"{row.covered} of {row.cells}")
    axes.plot([], [], color=ACCENT_COLOR, label="target, on average over persons")
    dress(axes, "Coverage", "Person")
    axes.set_xlim(0, 1.02)
    _finish(axes, rows, "s")
    return sheet


def _sheet(rows: Rows, width: float) -> tuple[Figure, Axes]:
    """A figure with the height that its rows need."""
    return figure(width, min(40.0, 1.5 + 0.27 * max(4, len(rows))))


def _note(axes: Axes, line: float, text: str) -> None:
    """A few words at the right end of a row."""
    axes.text(1.03, line, text, va="center", fontsize=8.5, color=INK)


def _finish(axes: Axes, rows: Rows, marker: str) -> None:
    """Name the rows, the first on top, and the classes that occur."""
    axes.set(ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)))
    axes.set_yticklabels([row.person for row in rows])
    for name in dict.fromkeys(row.label for row in rows):
        value = int(name == "ALL")
        axes.plot([], [], marker, color=CLASS_COLORS[value], label=CLASS_TITLES[value])
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1),
        ncols=4,
        fontsize=8.5,
        frameon=False,
        handlelength=1.1,
        handletextpad=0.4,
        columnspacing=1.0,
    )
