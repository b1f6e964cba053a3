"""Outliers: cells unlike the rest of their class, or badly segmented, with the reasons."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Table = Mapping[str, np.ndarray]

LIMIT = 4.0
"""Robust standard deviations from which a measurement is an outlier."""
WATCHED = {
    "area": "area",
    "sharpness": "sharpness",
    "red": "mean red",
    "green": "mean green",
    "blue": "mean blue",
}
"""Measurement to its name in a reason. All are positive and skewed, so the logarithm is tested."""


def robust_z(values: ArrayLike) -> NDArray[np.float64]:
    """Distance from the median in robust standard deviations.

    The modified z-score 0.6745 (x - median) / MAD of B. Iglewicz and D. Hoaglin, "How to detect
    and handle outliers", ASQC 1993: the usual z-score for normal data, not widened by outliers.

    Args:
        values: `(N,)`; NaN stays NaN.

    Returns:
        `(N,)`; all 0 if at least half of the values are equal, since then there is no scale.
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).any():
        return np.full(values.shape, np.nan)
    offset = values - np.nanmedian(values)
    spread = np.nanmedian(np.abs(offset))
    return 0.6745 * offset / spread if spread > 0 else np.where(np.isnan(offset), np.nan, 0.0)


def outlier_reasons(measured: Table) -> NDArray[np.object_]:
    """Give the reasons why each cell is an outlier.

    Args:
        measured: Measurements from `measure_cells`, N rows.

    Returns:
        Text `(N,)`: reasons joined by "; ", "" for a cell that is not an outlier.
    """
    reasons: list[list[str]] = [[problem] if problem else [] for problem in measured["problem"]]
    _add(reasons, measured["area"] == 0, "no cell: every pixel is black")
    _add(reasons, measured["border"] > 0.5, "not on black: the frame's border is not black")
    cut = (measured["border"] > 0) & (measured["border"] <= 0.5)
    _add(reasons, cut, "touches the border: the cell may be cut off")
    for row in np.flatnonzero(measured["pieces"] > 1):
        reasons[row].append(f"{int(measured['pieces'][row])} separate pieces")
    for label in np.unique(measured["label"]):
        rows = np.flatnonzero((measured["label"] == label) & (measured["area"] > 0))
        for name, title in WATCHED.items():
            z = robust_z(np.log(np.maximum(measured[name][rows], 1e-3)))
            for place in np.flatnonzero(np.abs(z) > LIMIT):
                side = "above" if z[place] > 0 else "below"
                reasons[rows[place]].append(
                    f"{title} {abs(z[place]):.1f} robust SD {side} its class"
                )
    return np.array(["; ".join(texts) for texts in reasons], dtype=object)


def _add(reasons: list[list[str]], where: NDArray[np.bool_], text: str) -> None:
    for row in np.flatnonzero(where):
        reasons[row].append(text)


def auroc(positive: ArrayLike, negative: ArrayLike) -> float:
    """Area under the ROC curve.

    The probability that a value of `positive` is above one of `negative`, ties counting half: the
    Mann-Whitney statistic (J. A. Hanley and B. J. McNeil,
    Radiology 143 (1982) 29-36).

    Args:
        positive: `(P,)` finite values.
        negative: `(N,)` finite values.

    Returns:
        The area, 0 to 1; NaN if either is empty.
    """
    above, below = np.asarray(positive, np.float64), np.sort(np.asarray(negative, np.float64))
    if not above.size or not below.size:
        return float("nan")
    smaller = np.searchsorted(below, above, side="left")
    not_larger = np.searchsorted(below, above, side="right")
    return float((smaller + not_larger).mean() / 2 / below.size)
