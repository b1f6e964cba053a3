"""Plots of `data report`: persons and folds, and size, sharpness and color of the cells."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from leukoscope.core.files import natural_key
from leukoscope.core.plot_style import ACCENT_COLOR, CLASS_COLORS, FAINT, INK, dress, figure
from leukoscope.data.cohort import ALL, HEM, UNKNOWN
from leukoscope.data.overview.outliers import auroc

Table = Mapping[str, np.ndarray]

CLASSES = {ALL: "ALL (leukemic blast)", HEM: "HEM (normal)", UNKNOWN: "no label"}
COLORS = {**CLASS_COLORS, UNKNOWN: FAINT}
_WIDE = 11.0  # inches, the width of the page
_AXES = {
    "area": ("Cell area (px of the original image)", False),
    "sharpness": ("Sharpness (variance of the Laplacian)", True),
    "eccentricity": ("Eccentricity", False),
    "solidity": ("Solidity (area / convex hull)", False),
    "red": ("Mean red on the cell", False),
    "green": ("Mean green on the cell", False),
    "blue": ("Mean blue on the cell", False),
    "saturation": ("Saturation of the mean color", False),
}
"""Measurement to axis label, and True for a logarithmic axis."""


def counts_by_fold(measured: Table, folds: Sequence[str]) -> Figure:
    """Plot the number of images of each class in each fold."""
    sheet, axes = figure(5.2, 3.4)
    labels = _labels(measured)
    width = 0.8 / len(labels)
    for place, label in enumerate(labels):
        counts = [_count(measured, label=label, fold=fold) for fold in folds]
        at = np.arange(len(folds)) + (place - (len(labels) - 1) / 2) * width
        bars = axes.bar(at, counts, width * 0.94, color=COLORS[label], label=CLASSES[label])
        axes.bar_label(bars, [f"{count:,}" for count in counts], fontsize=8.5, color=INK, padding=2)
    axes.set_xticks(range(len(folds)), [fold_name(fold) for fold in folds])
    dress(axes, "", "Images")
    _quiet_x(axes)
    _class_legend(sheet, labels)
    return sheet


def counts_by_person(measured: Table) -> Figure:
    """Plot the number of images of each person by class, most first."""
    sheet, axes = figure(_WIDE, 3.2)
    persons, tally = np.unique(measured["person"][measured["person"] != ""], return_counts=True)
    persons = persons[np.argsort(-tally, kind="stable")]
    base = np.zeros(len(persons))
    for label in _labels(measured):
        counts = [_count(measured, label=label, person=person) for person in persons]
        axes.bar(range(len(persons)), counts, 0.8, bottom=base, color=COLORS[label])
        base += counts
    dress(axes, "Person", "Images")
    _person_ticks(axes, persons)
    _class_legend(sheet, _labels(measured))
    return sheet


def distributions(measured: Table) -> Figure:
    """Plot histograms of every measurement by class, each scaled to its number of cells."""
    sheet, grid = figure(_WIDE, 5.2, nrows=2, ncols=4)
    for axes, (name, (title, logarithmic)) in zip(grid.flat, _AXES.items(), strict=True):
        _histogram(axes, measured, name, logarithmic)
        dress(axes, title, "")
        axes.xaxis.label.set_fontsize(8.5)
        axes.set_yticks([])
    _class_legend(sheet, _labels(measured))
    return sheet


def size_overlap(measured: Table, folds: Sequence[str]) -> Figure:
    """Plot cell areas by class in each fold, with the AUROC of area alone.

    Args:
        measured: The measurements.
        folds: Folds, one panel each.
    """
    across = min(len(folds), 4)
    down = -(-len(folds) // across)
    sheet, grid = figure(_WIDE, 2.7 * down, nrows=down, ncols=across, squeeze=False, sharex=True)
    for axes in grid.flat[len(folds) :]:
        axes.set_visible(False)
    for axes, fold in zip(grid.flat, folds, strict=False):
        in_fold = {name: column[measured["fold"] == fold] for name, column in measured.items()}
        _histogram(axes, in_fold, "area", _AXES["area"][1])
        value = auroc(*areas_by_class(in_fold))
        dress(axes, _AXES["area"][0], "", f"{fold_name(fold)}: AUROC of area {value:.3f}")
        axes.set_yticks([])
    _class_legend(sheet, _labels(measured))
    return sheet


def by_person(measured: Table, name: str) -> Figure:
    """Plot one measurement by person and class, sorted by the median.

    Args:
        measured: The measurements.
        name: Name of the measurement, a key of `_AXES`.
    """
    title, logarithmic = _AXES[name]
    sheet, axes = figure(_WIDE, 3.2)
    usable = (measured["person"] != "") & np.isfinite(measured[name])
    person, label, value = (measured[key][usable] for key in ("person", "label", name))
    boxes = [
        (np.percentile(value[rows], [5, 25, 50, 75, 95]), name, int(kind))
        for name in np.unique(person)
        for kind in np.unique(label[person == name])
        for rows in [(person == name) & (label == kind)]
    ]
    boxes.sort(key=lambda box: (box[0][2], natural_key(box[1])))
    for place, ((low, quarter, median, three_quarters, high), _, kind) in enumerate(boxes):
        color = COLORS[kind]
        axes.plot([place, place], [low, high], color=color, linewidth=1)
        axes.plot(
            [place, place],
            [quarter, three_quarters],
            color=color,
            linewidth=5,
            alpha=0.55,
            solid_capstyle="butt",
        )
        axes.plot(place, median, "o", color=color, markersize=4, markeredgecolor="white")
    _plain_ticks(axes.yaxis, logarithmic, 6)
    dress(axes, "Person, sorted by the median", title)
    _person_ticks(axes, [name for _, name, _ in boxes])
    _class_legend(sheet, _labels(measured))
    return sheet


def persons_by_fold(
    persons: Sequence[str], folds: Sequence[str], counts: NDArray[np.int64]
) -> Figure:
    """Plot the images of each person in each fold, with persons in several folds highlighted.

    Args:
        persons: P names.
        folds: F names.
        counts: `(P, F)` number of images of each person in each fold.
    """
    sheet, axes = figure(_WIDE, 1.5 + 0.34 * len(folds))
    straddles = (counts > 0).sum(axis=1) > 1
    for row, column in np.argwhere(counts > 0):
        color = ACCENT_COLOR if straddles[row] else FAINT
        size = 25 + 95 * np.sqrt(counts[row, column] / counts.max())
        axes.scatter(row, column, s=size, color=color, linewidths=0)
    axes.set_yticks(range(len(folds)), [fold_name(fold) for fold in folds])
    axes.set_ylim(len(folds) - 0.4, -0.6)
    dress(axes, "Person (dots grow with the number of images)", "")
    _person_ticks(axes, persons)
    for tick, straddle in zip(axes.get_xticklabels(), straddles, strict=True):
        tick.set(color="#A0407A" if straddle else INK, fontweight="bold" if straddle else "normal")
    handles = [
        Line2D([], [], marker="o", linestyle="", color=color, label=title)
        for color, title in ((ACCENT_COLOR, "in more than one fold"), (FAINT, "in one fold"))
    ]
    sheet.legend(handles=handles, loc="outside upper right", ncols=2, fontsize=8.5, frameon=False)
    return sheet


def areas_by_class(measured: Table) -> tuple[np.ndarray, np.ndarray]:
    """Areas of the measured ALL cells and of the HEM cells."""
    area, label = measured["area"], measured["label"]
    return area[(area > 0) & (label == ALL)], area[(area > 0) & (label == HEM)]


def _histogram(axes: Axes, measured: Table, name: str, logarithmic: bool) -> None:
    value = measured[name]
    usable = np.isfinite(value) & ((value > 0) | (not logarithmic))
    if not usable.any():
        return
    low, high = np.percentile(value[usable], [0.1, 99.9])
    # A hundredth of the lower end separates the bins if all cells have the same value.
    high = max(high, low + max(abs(low), 1) / 100)
    space = np.geomspace if logarithmic else np.linspace
    for label in _labels(measured):
        values = np.clip(value[usable & (measured["label"] == label)], low, high)
        weights = np.full(values.size, 1 / max(values.size, 1))
        style: dict[str, Any] = {
            "bins": space(low, high, 41),
            "weights": weights,
            "color": COLORS[label],
        }
        axes.hist(values, histtype="stepfilled", alpha=0.25, **style)
        axes.hist(values, histtype="step", linewidth=1.5, **style)
    _plain_ticks(axes.xaxis, logarithmic, 4)


def _plain_ticks(axis: Axis, logarithmic: bool, at_most: int) -> None:
    """Set few ticks in plain numbers; on a logarithmic axis 1, 2 and 5 times powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    if logarithmic:
        set_scale = axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale
        set_scale("log")
    steps = (
        LogLocator(10, subs=(1, 2, 5)) if logarithmic else MaxNLocator(at_most, steps=[1, 2, 5, 10])
    )
    axis.set_major_locator(steps)
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def _person_ticks(axes: Axes, persons: Sequence[str] | np.ndarray) -> None:
    shown = len(persons) <= 160  # more would overlap
    names = [_label(person) if shown else "" for person in persons]
    axes.set_xticks(range(len(persons)), names, rotation=90)
    axes.tick_params(axis="x", labelsize=8 if len(persons) <= 80 else 5)
    axes.set_xlim(-0.8, len(persons) - 0.2)
    _quiet_x(axes)


def _quiet_x(axes: Axes) -> None:
    axes.grid(False, axis="x")
    axes.tick_params(axis="x", length=0)


def _class_legend(sheet: Figure, labels: Sequence[int]) -> None:
    handles = [
        Line2D([], [], marker="s", linestyle="", color=COLORS[label], label=CLASSES[label])
        for label in labels
    ]
    sheet.legend(handles=handles, loc="outside upper right", ncols=3, fontsize=8.5, frameon=False)


def _labels(measured: Table) -> list[int]:
    """Classes that occur, in the order ALL, HEM, no label."""
    return [label for label in CLASSES if (measured["label"] == label).any()]


def _count(measured: Table, **wanted: object) -> int:
    rows = np.ones(len(measured["label"]), dtype=bool)
    for name, value in wanted.items():
        rows &= measured[name] == value
    return int(rows.sum())


def fold_name(fold: str) -> str:
    """Title of a fold: "fold 0", "final", "no fold"."""
    return f"fold {fold}" if fold.isdecimal() else _label(fold) or "no fold"


def _label(name: str) -> str:
    """Shorten a name and escape what is unprintable or would start a formula ("$")."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return (plain if len(plain) <= 14 else plain[:13] + "…").replace("$", r"\$")
