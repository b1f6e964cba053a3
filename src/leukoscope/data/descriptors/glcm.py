"""Gray-level co-occurrence matrices (GLCM) of the optical density.

Source: Haralick, Shanmugam and Dinstein, "Textural features for image classification", IEEE Trans.
Systems, Man and Cybernetics 3, 1973. The density is first standardized to mean 0 and deviation 1
inside the cell, so the measures do not depend on overall color or contrast.
"""

import math

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.foreground_crop import Descriptor, ForegroundCrop

DISTANCES = (1, 2, 4, 8, 16)
GRAY_LEVELS = 16
REACH = 3.0  # standard deviations on each side that the gray levels span
_OUTSIDE = GRAY_LEVELS  # gray level of pixels outside, which are in no pair
_SIDE = GRAY_LEVELS + 1

HARALICK = "Haralick et al., 1973"
MEANINGS = {
    "contrast": "mean squared difference of two gray levels",
    "homogeneity": "mean of 1 / (1 + squared difference)",
    "energy": "root of the sum of squared frequencies of pairs",
    "correlation": "correlation of two gray levels",
}

GLCM = tuple(
    Descriptor(f"glcm_{name}_{distance}", "1", f"{meaning} {distance} px apart", HARALICK)
    for distance in DISTANCES
    for name, meaning in MEANINGS.items()
)


def glcm_descriptors(cell: ForegroundCrop) -> dict[str, float]:
    """Compute the descriptors `GLCM`, over four directions and both senses."""
    grays = _grays(cell)
    values: dict[str, float] = {}
    for distance in DISTANCES:
        for name, value in zip(
            MEANINGS, haralick_measures(cooccurrence_matrix(grays, distance)), strict=True
        ):
            values[f"glcm_{name}_{distance}"] = value
    return values


def cooccurrence_matrix(grays: NDArray[np.int16], distance: int) -> NDArray[np.float64]:
    """Frequency of each pair of gray levels at a distance, over four directions.

    Args:
        grays: int16 (h, w), levels below `GRAY_LEVELS`, or `GRAY_LEVELS` outside the cell.
        distance: Distance of the two pixels.

    Returns:
        (`GRAY_LEVELS`, `GRAY_LEVELS`), symmetric, with a sum of 1; all 0 if there is no pair.
    """
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
    table = counts.reshape(_SIDE, _SIDE)[:GRAY_LEVELS, :GRAY_LEVELS].astype(np.float64)
    table += table.T
    total = table.sum()
    return table / total if total else table


def haralick_measures(glcm: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Contrast, homogeneity, energy and correlation of a symmetric co-occurrence matrix.

    The correlation of a single gray level is 0.
    """
    gray = np.arange(len(glcm))
    square = (gray[:, None] - gray) ** 2
    contrast = float((glcm * square).sum())
    margin = glcm.sum(axis=0)
    mean = float(margin @ gray)
    variance = float(margin @ (gray - mean) ** 2)
    return (
        contrast,
        float((glcm / (1 + square)).sum()),
        float(np.sqrt((glcm**2).sum())),
        1 - contrast / (2 * variance) if variance > 0 else 0.0,
    )


def _grays(cell: ForegroundCrop) -> NDArray[np.int16]:
    density = cell.density
    values = density[cell.inside]
    deviation = max(float(values.std(dtype=np.float64)), 1e-4)
    scaled = (density - float(values.mean(dtype=np.float64))) / deviation
    grays = np.floor((scaled + REACH) * (GRAY_LEVELS / (2 * REACH)))
    grays = np.clip(grays, 0, GRAY_LEVELS - 1).astype(np.int16)
    return np.where(cell.inside, grays, np.int16(_OUTSIDE))
