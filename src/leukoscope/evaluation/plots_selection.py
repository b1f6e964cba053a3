"""Plots of what is answered: error against share answered, and whose cells keep their class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from leukoscope.evaluation.bootstrap import Estimate
from leukoscope.evaluation.calibration import person_weights
from leukoscope.evaluation.selective import PersonAnswers, confidence, risk_coverage
from leukoscope.evaluation.style import (
    ACCENT_COLOUR,
    CLASS_COLOURS,
    CLASS_TITLES,
    FAINT,
    INK,
    MODEL_COLOUR,
    dress,
    figure,
    legend,
)


def risk_coverage_curve(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    threshold: float,
    *,
    aurc: Estimate,
    point: tuple[float, float],
) -> Figure:
    """Error among the surest cells against the share of cells answered; persons weigh the same.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        threshold: The operating point, from which the sureness is measured.
        aurc: The area under the curve.
        point: Share answered and error of the verdicts as they were given.
    """
    wrong = (np.asarray(p, np.float64) >= threshold) != (np.asarray(label) == 1)
    weight = person_weights(np.asarray(person, dtype=object).astype(str))
    share, error = risk_coverage(wrong, confidence(p, threshold), weight)
    sheet, axes = figure()
    axes.axhline(error[-1], color=FAINT, linestyle=":", label="cells left out at random")
    axes.plot(share, error, color=MODEL_COLOUR, linewidth=2, label=f"AURC {aurc}")
    axes.plot(*point, "o", color=INK, markersize=7, label="verdicts as given", zorder=5)
    dress(axes, "Share of cells answered", "Error among the answered")
    axes.set(xlim=(-0.02, 1.02), ylim=(0, None))
    legend(axes, loc="best")
    return sheet


def person_coverage(rows: Sequence[PersonAnswers], wanted: dict[str, float]) -> Figure:
    """For each person the share of cells whose own class was left possible.

    Args:
        rows: With `covered`, from the top down.
        wanted: The share aimed at, by label.
    """
    sheet, axes = figure(6.4, min(40.0, 1.5 + 0.27 * max(4, len(rows))))
    named: set[str] = set()
    for line, row in enumerate(rows):
        value = int(row.label == "ALL")
        title = CLASS_TITLES[value] if row.label not in named else None
        named.add(row.label)
        share = (row.covered or 0) / row.cells
        axes.barh(line, share, color=CLASS_COLOURS[value], height=0.62, label=title)
        axes.plot([wanted[row.label]] * 2, [line - 0.45, line + 0.45], color=ACCENT_COLOUR)
        text = f"{row.covered} of {row.cells}"
        axes.text(1.03, line, text, va="center", fontsize=8.5, color=INK)
    axes.plot([], [], color=ACCENT_COLOUR, label="aimed at, on average over persons")
    dress(axes, "Share of cells whose class was left possible", "Person")
    axes.set(xlim=(0, 1.02), ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)))
    axes.set_yticklabels([row.person for row in rows])
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3, fontsize=8.5, frameon=False)
    return sheet
