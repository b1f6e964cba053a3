"""Plots of cells, descriptors and epochs: dependence on size, importance, learning curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

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
from leukoscope.evaluation.metrics.importance import Importance


def size_dependence(label: ArrayLike, p: ArrayLike, area: ArrayLike) -> Figure:
    """Draw the probability of ALL against the cell area, with medians of tenths of each class.

    Blasts are larger on average. Curves that rise within a class show that the model relies on
    size.
    """
    truth, score, size = np.asarray(label), np.asarray(p, np.float64), np.asarray(area, np.float64)
    sheet, axes = figure(6.4, 4.2)
    for value in (1, 0):
        own = (truth == value) & ~np.isnan(size)
        x, y = size[own], score[own]
        axes.scatter(
            x, y, s=7, color=CLASS_COLORS[value], alpha=0.25, linewidths=0, rasterized=True
        )
        parts = [part for part in np.array_split(np.argsort(x), 10) if len(part)]
        medians = [(np.median(x[part]), np.median(y[part])) for part in parts]
        if medians:
            style = {"linewidth": 2, "marker": "o", "markersize": 5, "markeredgecolor": "white"}
            axes.plot(
                *zip(*medians, strict=True),
                color=CLASS_COLORS[value],
                label=CLASS_TITLES[value],
                **style,
            )
    dress(axes, "Area of the cell (pixels)", "Calibrated probability of ALL")
    axes.set_ylim(-0.02, 1.02)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    legend(axes, loc="center right", title="median of tenths")
    return sheet


def importance(found: Sequence[Importance]) -> Figure:
    """Draw the permutation importance of groups of descriptors, the most important on top."""
    sheet, axes = figure(6.4, 0.8 + 0.38 * len(found))
    line = np.arange(len(found))
    drop = np.array([one.drop for one in found])
    axes.barh(line, drop, color=MODEL_COLOR, height=0.62)
    axes.hlines(line, [one.low for one in found], [one.high for one in found], INK, linewidth=1.2)
    axes.axvline(0, color=FAINT, linewidth=1)
    dress(axes, "Decrease of the AUROC on validation persons", "")
    axes.set(yticks=line, ylim=(len(found) - 0.4, -0.6))
    axes.set_yticklabels([f"{one.group} ({one.descriptors})" for one in found])
    return sheet


def learning_curves(log: Mapping[str, ArrayLike], best_epoch: int | None = None) -> Figure:
    """Draw one panel per quantity logged as `train_*` or `validation_*`, over epochs.

    Args:
        log: Columns of the log: `epoch` and the quantities. Values that are not numbers, such as
            "", are gaps.
        best_epoch: The epoch whose weights were kept, drawn as a line.

    Raises:
        KeyError: If there is no column `epoch`.
    """
    names = dict.fromkeys(
        name.split("_", 1)[1] for name in log if name.startswith(("train_", "validation_"))
    )
    epoch = _numbers(log["epoch"])
    columns = min(3, max(1, len(names)))
    lines = -(-max(1, len(names)) // columns)
    sheet, grid = figure(3.7 * columns, 2.9 * lines, nrows=lines, ncols=columns, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        for part, color in (("train", FAINT), ("validation", MODEL_COLOR)):
            if f"{part}_{name}" in log:
                values = _numbers(log[f"{part}_{name}"])
                axes.plot(
                    epoch, values, color=color, linewidth=1.7, marker=".", markersize=5, label=part
                )
        if best_epoch is not None:
            axes.axvline(best_epoch, color=INK, linewidth=1, linestyle=":", label="kept")
        dress(axes, "Epoch", "", name.replace("_", " "))
        axes.xaxis.get_major_locator().set_params(integer=True)
        legend(axes, loc="best")
    for axes in list(grid.flat)[len(names) :]:
        axes.set_visible(False)
    return sheet


def _numbers(values: ArrayLike) -> NDArray[np.float64]:
    """Numbers as float64; nan where a value is not a number."""
    out = []
    for value in np.asarray(values, dtype=object):
        try:
            out.append(float(value))
        except (TypeError, ValueError):
            out.append(np.nan)
    return np.array(out)
