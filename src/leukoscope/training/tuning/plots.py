"""Plots of a study: its objective by trial, and the importance of the settings."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from leukoscope.core.plot_style import (
    ACCENT_COLOR,
    FAINT,
    HEM_COLOR,
    MODEL_COLOR,
    dress,
    figure,
    legend,
)


def study_history(
    number: Sequence[int],
    value: Sequence[float],
    complete: Sequence[bool],
    *,
    name: str,
    minimize: bool = False,
) -> Figure:
    """Plot the objective of each trial, and the best so far.

    Args:
        number: (N,) numbers of the trials.
        value: (N,) the objective; nan where there is none.
        complete: (N,) false for a trial that was stopped early; its value is the last one reported.
        name: Name of the objective.
        minimize: A lower value is better.
    """
    sheet, axes = figure(6.4, 3.8)
    trial, values, ended = np.asarray(number), np.asarray(value, float), np.asarray(complete, bool)
    axes.scatter(
        trial[~ended], values[~ended], color=FAINT, marker="x", s=28, label="stopped early"
    )
    axes.scatter(trial[ended], values[ended], color=HEM_COLOR, s=28, label="complete")
    if ended.any():
        best = (np.minimum if minimize else np.maximum).accumulate(values[ended])
        axes.step(trial[ended], best, color=MODEL_COLOR, linewidth=2, where="post", label="best")
    dress(axes, "Trial", f"{name} on validation persons")
    axes.xaxis.get_major_locator().set_params(integer=True)
    legend(axes, loc="best")
    return sheet


def setting_importance(fraction: Mapping[str, float]) -> Figure:
    """Plot the fraction of the objective's variance that each setting explains.

    Args:
        fraction: Fraction by setting, the largest first.
    """
    names = list(fraction)[::-1]
    sheet, axes = figure(6.4, 0.9 + 0.36 * len(names))
    axes.barh(range(len(names)), [fraction[name] for name in names], color=ACCENT_COLOR, height=0.6)
    for place, name in enumerate(names):
        axes.text(fraction[name], place, f" {fraction[name]:.2f}", va="center", fontsize=9)
    dress(axes, "Fraction of the variance over the search space", "")
    axes.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 1.08))
    axes.grid(False, axis="y")
    return sheet
