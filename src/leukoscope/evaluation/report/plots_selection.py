"""The risk-coverage plot: error against the fraction of cells answered."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from leukoscope.core.plot_style import FAINT, INK, MODEL_COLOR, dress, figure, legend
from leukoscope.core.values import Estimate
from leukoscope.evaluation.metrics.calibration import person_weights
from leukoscope.evaluation.metrics.selective import confidence, risk_coverage


def risk_coverage_curve(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    threshold: ArrayLike,
    *,
    aurc: Estimate,
    point: tuple[float, float],
) -> Figure:
    """Draw the error among the answered cells against their fraction; persons weigh the same.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        threshold: The operating point, from which the confidence is measured; one, or (N,).
        aurc: The area under the curve.
        point: Fraction answered and error of the verdicts.
    """
    wrong = (np.asarray(p, np.float64) >= np.asarray(threshold)) != (np.asarray(label) == 1)
    weight = person_weights(np.asarray(person, dtype=object).astype(str))
    fraction, error = risk_coverage(wrong, confidence(p, threshold), weight)
    sheet, axes = figure()
    axes.axhline(error[-1], color=FAINT, linestyle=":", label="cells left out at random")
    axes.plot(fraction, error, color=MODEL_COLOR, linewidth=2, label=f"AURC {aurc}")
    axes.plot(*point, "o", color=INK, markersize=7, label="verdicts", zorder=5)
    dress(axes, "Fraction of cells answered", "Error among the answered")
    axes.set(xlim=(-0.02, 1.02), ylim=(0, None))
    legend(axes, loc="best")
    return sheet
