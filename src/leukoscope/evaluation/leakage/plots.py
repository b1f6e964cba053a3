"""The plot of a leakage study: every recipe's figure under every protocol, and the gaps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from leukoscope.core.plot_style import ACCENT_COLOR, FAINT, INK, MODEL_COLOR, dress, figure
from leukoscope.core.values import Estimate
from leukoscope.evaluation.leakage.record import HONEST, PROTOCOLS, MetricSpec, ProtocolResult

SPREAD = 0.12  # how far apart seeds are drawn


def leakage_plot(levels: Sequence[ProtocolResult], shown: MetricSpec) -> Sheet:
    """A column of panels for each recipe: above the figure itself, below the gaps.

    Above, a small dot is a run and a large one the mean over the seeds; below stands the mean less
    the one of the split by person. Bars are 95 % intervals over persons.

    Args:
        levels: From `leakage.study_levels`.
        shown: Which figure.
    """
    recipes = list(dict.fromkeys(level.recipe for level in levels))
    splits = [split for split in PROTOCOLS if any(level.split == split for level in levels)]
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
        for level in levels:
            if level.recipe == recipe:
                _draw(upper, lower, splits.index(level.split), level, shown)
        first = recipe == recipes[0]
        lower.axhline(0, color=FAINT, linewidth=1)
        dress(upper, "", shown.title if first else "", recipe)
        dress(lower, "", "Gap to person" if first else "")
        lower.margins(y=0.15)  # for the figures above the bars
        lower.set(xticks=range(len(splits)), xlim=(-0.6, len(splits) - 0.4))
        lower.set_xticklabels(splits, rotation=30, ha="right")
        for axes in (upper, lower):
            axes.grid(axis="x", visible=False)
            axes.tick_params(axis="x", length=0)
    return sheet


def _draw(upper: Axes, lower: Axes, x: int, level: ProtocolResult, shown: MetricSpec) -> None:
    color = MODEL_COLOR if level.split == HONEST else ACCENT_COLOR
    values = [own[shown.key] for own in level.values.values()]
    places = x + 0.28 + SPREAD * (np.arange(len(values)) - (len(values) - 1) / 2)
    upper.scatter(places, values, s=12, color=FAINT, zorder=3)
    _bar(upper, x - 0.1, level.mean[shown.key], color)
    if level.gap:
        _bar(lower, x, level.gap[shown.key], color)
        gap = level.gap[shown.key]
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
