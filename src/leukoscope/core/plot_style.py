"""The style of every plot: colors for color-blind readers, few lines, labeled axes."""

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# M. Okabe, K. Ito, "Color universal design", 2008: distinguishable with every common form of color
# blindness.
ALL_COLOR = "#D55E00"
HEM_COLOR = "#0072B2"
MODEL_COLOR = "#009E73"
ACCENT_COLOR = "#CC79A7"
INK = "#222222"
FAINT = "#8A8A8A"
GRID = "#E4E4E4"
CLASS_COLORS = {1: ALL_COLOR, 0: HEM_COLOR}
CLASS_TITLES = {1: "ALL (leukemic blast)", 0: "HEM (normal)"}


def figure(width: float = 5.2, height: float = 4.4, **grid: Any) -> tuple[Figure, Any]:
    """A figure of the given size and its axes, made without pyplot, so that no figure stays open.

    Args:
        width: Inches.
        height: Inches.
        **grid: Options of `Figure.subplots`, for more than one axes.
    """
    sheet = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    return sheet, sheet.subplots(**grid)


def to_png(sheet: Figure, dpi: int = 110) -> bytes:
    """Draw a figure; equal figures give equal bytes.

    Args:
        sheet: The figure.
        dpi: Pixels to an inch.
    """
    stream = io.BytesIO()
    sheet.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def dress(axes: Axes, x: str, y: str, title: str = "", *, unit: bool = False) -> None:
    """Label the axes and mute everything that is not data.

    Args:
        axes: The axes, after drawing.
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        title: Short title above, if any.
        unit: Both axes run from 0 to 1.
    """
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    if title:
        axes.set_title(title, fontsize=11, color=INK, loc="left")
    if unit:
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def legend(axes: Axes, **options: Any) -> None:
    """A small, translucent legend."""
    axes.legend(fontsize=8.5, frameon=True, framealpha=0.85, edgecolor="none", **options)
