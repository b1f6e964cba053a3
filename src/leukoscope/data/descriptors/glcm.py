"""Which optical densities stand next to each other: gray-level co-occurrence.

Source: Haralick, Shanmugam and Dinstein, "Textural features for image classification", IEEE Trans.
Systems, Man and Cybernetics 3, 1973. The density is first brought to mean 0 and deviation 1 inside
the cell, so these say nothing about color or contrast as a whole.
"""

import math

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.foreground_crop import Descriptor, ForegroundCrop

DISTANCES = (1, 2, 4, 8, 16)
GRAYS = 16
REACH = 3.0  # standard deviations that the grays span
_OUTSIDE = GRAYS  # the gray of what is no pair of pixels inside
_SIDE = GRAYS + 1

HARALICK = "Haralick et al., 1973"
MEANINGS = {
    "contrast": "mean squared difference of two grays",
    "homogeneity": "mean of 1 / (1 + squared difference)",
    "energy": "root of the sum of squared shares of pairs",
    "correlation": "correlation of two grays",
}

COOCCURRENCE = tuple(
    Descriptor(f"glcm_{name}_{distance}", "1", f"{meaning} {distance} px apart", HARALICK)
    for distance in DISTANCES
    for name, meaning in MEANINGS.items()
)


def glcm_descriptors(cell: ForegroundCrop) -> dict[str, float]:
    """The descriptors `COOCCURRENCE`, over four directions and both senses."""
    grays = _grays(cell)
    found = {}
    for distance in DISTANCES:
        for name, value in zip(MEANINGS, measures(pairs(grays, distance)), strict=True):
            found[f"glcm_{name}_{distance}"] = value
    return found


def pairs(grays: NDArray[np.int16], distance: int) -> NDArray[np.float64]:
    """Share of each pair of grays, (`GRAYS`, `GRAYS`), symmetric; all 0 where there is no pair."""
    slant = max(1, round(distance / math.sqrt(2)))
    code = grays * _SIDE
    counts = np.zeros(_SIDE * _SIDE, np.int64)
    for down, right in ((0, distance), (distance, 0), (slant, slant), (slant, -slant)):
        height, width = grays.shape
        if height <= down or width <= abs(right):
            continue
        here = code[: height - down, max(-right, 0) : width - max(right, 0)]
        there = grays[down:, max(right, 0) : width - max(-right, 0)]
        counts += np.bincount((here + there).ravel(), minlength=_SIDE * _SIDE)
    table = counts.reshape(_SIDE, _SIDE)[:GRAYS, :GRAYS].astype(np.float64)
    table += table.T
    total = table.sum()
    return table / total if total else table


def measures(share: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Contrast, homogeneity, energy and correlation of a symmetric table of shares."""
    gray = np.arange(len(share))
    square = (gray[:, None] - gray) ** 2
    contrast = float((share * square).sum())
    margin = share.sum(axis=0)
    mean = float(margin @ gray)
    variance = float(margin @ (gray - mean) ** 2)
    return (
        contrast,
        float((share / (1 + square)).sum()),
        float(np.sqrt((share**2).sum())),
        1 - contrast / (2 * variance) if variance > 0 else 0.0,
    )


def _grays(cell: ForegroundCrop) -> NDArray[np.int16]:
    density = cell.density
    values = density[cell.inside]
    deviation = max(float(values.std(dtype=np.float64)), 1e-4)
    scaled = (density - float(values.mean(dtype=np.float64))) / deviation
    grays = np.floor((scaled + REACH) * (GRAYS / (2 * REACH)))
    grays = np.clip(grays, 0, GRAYS - 1).astype(np.int16)
    return np.where(cell.inside, grays, np.int16(_OUTSIDE))
