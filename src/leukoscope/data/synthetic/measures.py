"""Twelve plain numbers for one segmented cell: size, shape, color, texture and rim.

They set the synthetic cohort: `benchmarks/synthetic_statistics.py` measures real cells with them,
the generator draws cells that should measure the same, and a test compares the two. NumPy only.
"""

import math
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.foreground import bounding_box, nonblack_mask

Floats = NDArray[np.floating[Any]]

BAND_SCALES = (0.0, 1.2, 2.4, 4.8, 9.6)
"""Gaussian widths (px) between which the four texture bands lie."""

MEASURES = (
    "log_area",
    "logit_eccentricity",
    "log_irregularity",
    "log_red",
    "log_green",
    "log_blue",
    "log_band_1",
    "log_band_2",
    "log_band_3",
    "log_band_4",
    "skewness",
    "log_rim",
)
"""The scale on which each measure is close to normal over the cells of one person."""

RIM = (1.5, 6.0)
"""Depth (px) between which the color of the rim is taken."""

_EDGE = 4.0  # px, blur of the mask by which depth below the edge is told
_FLOOR = 0.02  # gray levels and shape fractions below this are rounding, not cell


def measure_cell(image: NDArray[np.uint8]) -> Floats:
    """Measure one cell on black.

    Args:
        image: uint8 RGB `(H, W, 3)` at the original pixel scale, background exactly 0.

    Returns:
        float64 `(12,)` in the order of `MEASURES`: ln area (px), logit of the eccentricity of the
        ellipse with the same second moments, ln of the part of the area by which the outline
        departs from that ellipse, ln mean R, G, B on the cell, ln of the standard deviation (gray
        levels) of four octave-wide texture bands, fine to coarse, 8 px inside the edge, the
        skewness of the third band (positive: bright clumps on a dark ground), and ln of the green
        near the rim relative to the green inside (the ring of pale cytoplasm).

    Raises:
        ValueError: if fewer than 50 pixels are not black.
    """
    mask = nonblack_mask(image)
    area, box = int(mask.sum()), bounding_box(mask)
    if area < 50 or box is None:
        raise ValueError(f"no cell to measure: {area} pixels are not black")
    mask, cell = mask[box], image[box].astype(np.float32)
    color = cell.sum(axis=(0, 1)) / area
    eccentricity, irregularity = _shape(mask)
    bands, near = texture_bands(cell.mean(axis=2), mask)
    inside = mask & (near > 0.97)  # 8 px from the edge: the rim is no chromatin
    if inside.sum() < 50:
        inside = mask
    inner = bands[:, inside]
    spread = inner.std(axis=1)
    clumps = inner[2] - inner[2].mean()
    shell = mask & (near > _at_depth(RIM[0])) & (near < _at_depth(RIM[1]))
    rim = cell[shell, 1].mean() if shell.any() else 0.0
    shape = [area, eccentricity / (1 - eccentricity), max(irregularity, _FLOOR)]
    return np.concatenate(
        [
            np.log(shape),
            np.log(np.maximum(color, 1.0)),
            np.log(np.maximum(spread, _FLOOR)),
            [np.mean(clumps**3) / max(float(spread[2]), _FLOOR) ** 3],
            [np.log(max(rim, 1.0) / max(cell[inside, 1].mean(), 1.0))],
        ]
    )


def _shape(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Eccentricity and the relative area between a mask and the ellipse of its second moments."""
    y, x = np.nonzero(mask)
    offset = np.stack([y - y.mean(), x - x.mean()])
    covariance = offset @ offset.T / y.size
    minor, major = np.linalg.eigvalsh(covariance)
    eccentricity = float(np.sqrt(np.clip(1 - minor / major, 1e-3, 1 - 1e-3)))
    # Points of a uniform ellipse have a squared Mahalanobis distance of at most 4; as both have
    # nearly one area, what the mask has outside is about what it lacks inside.
    distance = np.einsum("ij,ij->j", offset, np.linalg.solve(covariance, offset))
    return eccentricity, 2 * float((distance > 4).mean())


def texture_bands(gray: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Split the gray values of a cell into four octave-wide bands, fine to coarse.

    Args:
        gray: `(H, W)` gray levels, 0 outside the cell.
        mask: bool `(H, W)`, the cell.

    Returns:
        The bands, `(4, H, W)` in gray levels, meaningful on the cell only; and the mask blurred
        by `_EDGE`, `(H, W)`, from which the depth below the edge can be told.
    """
    height, width = mask.shape
    # Gray and mask travel as the real and the imaginary part of one picture through one FFT. The
    # margin keeps what leaves on one side from coming back on the other; few sizes, few filters.
    frame = [-(-(side + 32) // 32) * 32 for side in (height, width)]
    picture = np.zeros(frame, np.complex64)
    picture[:height, :width] = gray + 1j * mask
    spectrum = np.fft.fft2(picture)
    levels = [gray]
    for scale in BAND_SCALES[1:]:
        soft = np.fft.ifft2(spectrum * _filter(*frame, scale))[:height, :width]
        # Dividing by the blurred mask keeps the black outside from bleeding in.
        levels.append(soft.real / np.maximum(soft.imag, 1e-3))
    bands = np.array([fine - coarse for fine, coarse in pairwise(levels)])
    return bands, np.fft.ifft2(spectrum * _filter(*frame, _EDGE)).imag[:height, :width]


def _at_depth(depth: float) -> float:
    """The blurred mask's value this many px inside a straight edge."""
    return 0.5 * (1 + math.erf(depth / _EDGE / math.sqrt(2)))


@lru_cache(maxsize=64)
def _filter(height: int, width: int, sigma: float) -> Floats:
    """Gaussian low pass of a picture's spectrum."""
    f2 = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.fftfreq(width)[None] ** 2
    return np.exp(-2 * np.pi**2 * sigma**2 * f2).astype(np.float32)
