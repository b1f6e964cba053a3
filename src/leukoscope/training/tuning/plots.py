"""Plots of a study: how its figure rose from trial to trial, and which settings it hangs on."""

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
    """The figure of each trial by its number, and the best until then.

    Args:
        number: (N,) of the trials.
        value: (N,) the figure; nan where there is none.
        complete: (N,) false for a trial that was stopped early, whose figure is its last one.
        name: Of the figure.
        minimize: Less is better.
    """
    sheet, axes = figure(6.4, 3.8)
    trial, figures, ended = np.asarray(number), np.asarray(value, float), np.asarray(complete, bool)
    axes.scatter(
        trial[~ended], figures[~ended], color=FAINT, marker="x", s=28, label="stopped early"
    )
    axes.scatter(trial[ended], figures[ended], color=HEM_COLOR, s=28, label="complete")
    if ended.any():
        best = (np.minimum if minimize else np.maximum).accumulate(figures[ended])
        axes.step(trial[ended], best, color=MODEL_COLOR, linewidth=2, where="post", label="best")
    dress(axes, "Trial", f"{name} on validation persons")
    axes.xaxis.get_major_locator().set_params(integer=True)
    legend(axes, loc="best")
    return sheet


def setting_importance(share: Mapping[str, float]) -> Figure:
    """Bars of the share that each setting has in the variance of the figure.

    Args:
        share: Setting to its share, the largest first.
    """
    names = list(share)[::-1]
    sheet, axes = figure(6.4, 0.9 + 0.36 * len(names))
    axes.barh(range(len(names)), [share[name] for name in names], color=ACCENT_COLOR, height=0.6)
    for place, name in enumerate(names):
        axes.text(share[name], place, f" {share[name]:.2f}", va="center", fontsize=9)
    dress(axes, "Share of the variance over the space", "")
    axes.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 1.08))
    axes.grid(False, axis="y")
    return sheet
