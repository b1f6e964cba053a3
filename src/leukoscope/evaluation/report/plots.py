"""Plots of a whole subset: separation of the classes, and calibration."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from leukoscope.core.plot_style import (
    CLASS_COLORS,
    CLASS_TITLES,
    FAINT,
    INK,
    MODEL_COLOR,
    dress,
    figure,
    legend,
)
from leukoscope.core.values import Estimate
from leukoscope.evaluation.metrics.bootstrap import Band
from leukoscope.evaluation.metrics.calibration import Reliability, bin_of
from leukoscope.evaluation.metrics.confusion import Confusion, confusion
from leukoscope.evaluation.metrics.decision import net_benefit, net_benefit_of_all
from leukoscope.evaluation.metrics.metrics import threshold_metrics

BAND_TITLE = "95 % interval over persons"


def confusion_matrices(matrices: Sequence[tuple[str, Confusion]]) -> Figure:
    """Draw confusion matrices side by side: counts and, as color, fractions of the true class.

    Args:
        matrices: Titles and counts.
    """
    sheet, grid = figure(3.5 * len(matrices), 3.4, ncols=len(matrices), squeeze=False)
    for axes, (title, counts) in zip(grid[0], matrices, strict=True):
        table = np.array(
            [[counts.true_all, counts.missed_all], [counts.false_all, counts.true_hem]]
        )
        fraction = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        axes.imshow(fraction, cmap="Blues", vmin=0, vmax=1.15)
        for row, column in np.ndindex(2, 2):
            color = "white" if fraction[row, column] > 0.6 else INK
            text = f"{table[row, column]:,}\n{fraction[row, column]:.1%}"
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=12)
        dress(axes, "Prediction", "Label", title)
        axes.grid(False)
        axes.set(
            xticks=[0, 1], xticklabels=["ALL", "HEM"], yticks=[0, 1], yticklabels=["ALL", "HEM"]
        )
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(length=0)
    return sheet


def roc_curve(
    label: ArrayLike, p: ArrayLike, threshold: float, *, auroc: Estimate, band: Band
) -> Figure:
    """Draw sensitivity against false positive rate, with the operating point."""
    from sklearn.metrics import roc_curve as points

    sheet, axes = figure()
    false_rate, sensitivity, _ = points(label, p, drop_intermediate=False)
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="chance")
    _draw_band(axes, band)
    axes.plot(false_rate, sensitivity, color=MODEL_COLOR, linewidth=2, label=f"AUROC {auroc}")
    at = threshold_metrics(*confusion(label, p, threshold).counts)
    _draw_point(axes, 1 - float(at["specificity"]), float(at["sensitivity"]), threshold)
    dress(axes, "False positive rate (1 - specificity)", "Sensitivity", unit=True)
    axes.set_aspect("equal")
    legend(axes, loc="lower right")
    return sheet


def precision_recall_curve(
    label: ArrayLike, p: ArrayLike, threshold: float, *, average_precision: Estimate, band: Band
) -> Figure:
    """Draw precision against recall of ALL, with the operating point and the chance level."""
    from sklearn.metrics import precision_recall_curve as points

    sheet, axes = figure()
    precision, recall, _ = points(label, p)
    prevalence = float(np.mean(np.asarray(label) == 1))
    axes.axhline(
        prevalence,
        color=FAINT,
        linestyle=":",
        label=f"chance: {prevalence:.0%} of the cells are ALL",
    )
    _draw_band(axes, band)
    # The last point (recall 0, precision 1) is a convention, not a measurement.
    axes.step(
        recall[:-1],
        precision[:-1],
        color=MODEL_COLOR,
        linewidth=2,
        where="post",
        label=f"average precision {average_precision}",
    )
    at = threshold_metrics(*confusion(label, p, threshold).counts)
    _draw_point(axes, float(at["sensitivity"]), float(at["precision_all"]), threshold)
    dress(axes, "Recall of ALL (sensitivity)", "Precision of ALL", unit=True)
    axes.set_aspect("equal")
    legend(axes, loc="lower left")
    return sheet


def reliability_diagram(
    label: ArrayLike,
    p: ArrayLike,
    curve: Reliability,
    *,
    ece: Estimate,
    before: tuple[Reliability, float] | None = None,
    band: Band | None = None,
) -> Figure:
    """Draw the observed fraction of ALL against the predicted probability, above a histogram.

    The area of a dot grows with the cells of its bin. `before` holds the curve and its ECE without
    the temperature, `band` the interval of the observed fraction over persons.
    """
    sheet, (upper, lower) = figure(5.2, 5.4, nrows=2, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="perfectly calibrated")
    if before is not None:
        untempered, error = before
        title = f"no temperature: ECE {error:.3f}"
        upper.plot(untempered.stated, untempered.observed, color=FAINT, linewidth=1.2, label=title)
    if band is not None and band.low is not None and band.high is not None:
        upper.vlines(
            band.x, band.low, band.high, color=MODEL_COLOR, linewidth=1.2, label=BAND_TITLE
        )
    upper.plot(curve.stated, curve.observed, color=MODEL_COLOR, linewidth=1.5, label=f"ECE {ece}")
    largest = max(curve.cells, default=1)
    upper.scatter(
        curve.stated,
        curve.observed,
        s=[15 + 160 * n / largest for n in curve.cells],
        color=MODEL_COLOR,
    )
    dress(upper, "", "Observed fraction of ALL", unit=True)
    legend(upper, loc="upper left")
    truth, index = np.asarray(label), bin_of(p)
    bins = int(index.max(initial=14)) + 1
    middles, bottom = (np.arange(bins) + 0.5) / bins, np.zeros(bins)
    for value in (1, 0):
        count = np.bincount(index[truth == value], minlength=bins)
        lower.bar(
            middles,
            count,
            0.9 / bins,
            bottom=bottom,
            color=CLASS_COLORS[value],
            label=CLASS_TITLES[value],
        )
        bottom = bottom + count
    dress(lower, "Predicted probability of ALL", "Cells")
    legend(lower, loc="upper center")
    return sheet


def decision_curve(label: ArrayLike, p: ArrayLike) -> Figure:
    """Draw the net benefit of the model, of predicting every cell as ALL and of predicting none."""
    sheet, axes = figure()
    t = np.linspace(0.01, 0.99, 99)
    model, everything = net_benefit(label, p, t), net_benefit_of_all(label, t)
    axes.plot(t, everything, color=FAINT, linestyle="--", label="predict every cell as ALL")
    axes.axhline(0, color=INK, linewidth=1, label="predict every cell as HEM")
    axes.plot(t, model, color=MODEL_COLOR, linewidth=2, label="model")
    top = max(0.1, float(np.mean(np.asarray(label) == 1)))
    dress(axes, "Threshold probability of ALL", "Net benefit per cell")
    # Predicting every cell as ALL falls to minus infinity; the range of interest starts near zero.
    axes.set(xlim=(0, 1), ylim=(-0.25 * top, 1.08 * top))
    legend(axes, loc="lower left")
    return sheet


def _draw_band(axes: Axes, band: Band) -> None:
    if band.low is not None and band.high is not None:
        axes.fill_between(
            band.x,
            band.low,
            band.high,
            color=MODEL_COLOR,
            alpha=0.18,
            linewidth=0,
            label=BAND_TITLE,
        )


def _draw_point(axes: Axes, x: float, y: float, threshold: float) -> None:
    title = f"operating point, p ≥ {threshold:.3f}"
    axes.plot(x, y, "o", color=INK, markersize=7, label=title, zorder=5)
