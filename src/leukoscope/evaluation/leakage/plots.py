"""The plot of a leakage study: the metric of every recipe under every protocol, and the gaps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from leukoscope.core.plot_style import ACCENT_COLOR, FAINT, INK, MODEL_COLOR, dress, figure
from leukoscope.core.values import Estimate
from leukoscope.evaluation.leakage.record import HONEST, PROTOCOLS, MetricSpec, ProtocolResult

SPREAD = 0.12  # greatest distance between the dots of two seeds
WIDTH = 0.36  # of all dots of a split, whose distance to the next split is 1


def leakage_plot(results: Sequence[ProtocolResult], shown: MetricSpec) -> Sheet:
    """Draw a column of panels for each recipe: the metric above, the gaps below.

    Above, a small dot is a run and a large one the mean over the seeds; below is the mean minus the
    mean of the split by person. Bars are 95 % intervals over seeds and persons.

    Args:
        results: From `leakage.protocol_results`.
        shown: The metric.
    """
    recipes = list(dict.fromkeys(result.recipe for result in results))
    splits = [split for split in PROTOCOLS if any(result.split == split for result in results)]
    sheet, grid = figure(
        1.2 + (0.9 + 0.55 * len(splits)) * len(recipes),
        5.2,
        nrows=2,
        ncols=len(recipes),
        squeeze=False,
        sharex=True,
        sharey="row",
        height_ratios=[3, 2],
    )
    for (upper, lower), recipe in zip(grid.T, recipes, strict=True):
        for result in results:
            if result.recipe == recipe:
                _draw(upper, lower, splits.index(result.split), result, shown)
        first = recipe == recipes[0]
        lower.axhline(0, color=FAINT, linewidth=1)
        dress(upper, "", shown.title if first else "", recipe)
        dress(lower, "", "Gap to person" if first else "")
        lower.margins(y=0.15)  # for the numbers above the bars
        lower.set(xticks=range(len(splits)), xlim=(-0.6, len(splits) - 0.4))
        lower.set_xticklabels(splits, rotation=30, ha="right")
        for axes in (upper, lower):
            axes.grid(axis="x", visible=False)
            axes.tick_params(axis="x", length=0)
    return sheet


def _draw(upper: Axes, lower: Axes, x: int, result: ProtocolResult, shown: MetricSpec) -> None:
    color = MODEL_COLOR if result.split == HONEST else ACCENT_COLOR
    values = [own[shown.key] for own in result.values.values()]
    half = min(WIDTH, SPREAD * (len(values) - 1)) / 2
    places = x + 0.28 + np.linspace(-half, half, len(values))
    upper.scatter(places, values, s=12, color=FAINT, zorder=3)
    _bar(upper, x - 0.1, result.mean[shown.key], color)
    if result.gap:
        _bar(lower, x, result.gap[shown.key], color)
        gap = result.gap[shown.key]
        top = gap.value if gap.high is None else gap.high
        lower.annotate(
            f"{gap.value:+.2f}",
            (x, top),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )


def _bar(axes: Axes, x: float, estimate: Estimate, color: str) -> None:
    if estimate.low is not None and estimate.high is not None:
        axes.plot([x, x], [estimate.low, estimate.high], color=color, linewidth=2)
    axes.plot(x, estimate.value, "o", color=color, markersize=7, zorder=4)
