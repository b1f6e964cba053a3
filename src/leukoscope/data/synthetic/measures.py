"""Twelve measures of one segmented cell, for synthetic cohorts: size, shape, color, texture, rim.

`benchmarks/synthetic_statistics.py` measures real cells, the generator draws cells with the same
distribution of measures, and a test compares the two. NumPy only.
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
"""Names of the measures, on scales that are close to normal over the cells of one person."""

RIM_DEPTHS = (1.5, 6.0)
"""Range of depths (px) in which the color of the rim is measured."""

_EDGE = 4.0  # px, blur of the mask from which the depth below the edge is computed
_FLOOR = 0.02  # gray levels and shape fractions below this are rounding errors


def measure_cell(image: NDArray[np.uint8]) -> Floats:
    """Measure one cell on a black background.

    Args:
        image: uint8 RGB `(H, W, 3)` at the original pixel scale, background exactly 0.

    Returns:
        float64 `(12,)` in the order of `MEASURES`: ln area (px), logit of the eccentricity of the
        ellipse with the same second moments, ln of the fraction of the area by which the outline
        differs from that ellipse, ln mean R, G, B on the cell, ln of the standard deviation (gray
        levels) of four octave-wide texture bands, fine to coarse, 8 px inside the edge, the
        skewness of the third band (positive: bright clumps on dark background), and ln of the green
        near the rim relative to the green inside (the ring of pale cytoplasm).

    Raises:
        ValueError: Fewer than 50 pixels are not black.
    """
    mask = nonblack_mask(image)
    area, box = int(mask.sum()), bounding_box(mask)
    if area < 50 or box is None:
        raise ValueError(f"no cell to measure: {area} pixels are not black")
    mask, cell = mask[box], image[box].astype(np.float32)
    color = cell.sum(axis=(0, 1)) / area
    eccentricity, irregularity = _shape(mask)
    bands, near = texture_bands(cell.mean(axis=2), mask)
    inside = mask & (near > 0.97)  # 8 px from the edge: the rim is not chromatin
    if inside.sum() < 50:
        inside = mask
    inner = bands[:, inside]
    spread = inner.std(axis=1)
    clumps = inner[2] - inner[2].mean()
    shell = mask & (near > _at_depth(RIM_DEPTHS[0])) & (near < _at_depth(RIM_DEPTHS[1]))
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
    # Points of a uniform ellipse have a squared Mahalanobis distance of at most 4. Both have nearly
    # the same area, so the excess of the mask outside is about its deficit inside.
    distance = np.einsum("ij,ij->j", offset, np.linalg.solve(covariance, offset))
    return eccentricity, 2 * float((distance > 4).mean())


def texture_bands(gray: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Split the gray values of a cell into four octave-wide bands, fine to coarse.

    Args:
        gray: `(H, W)` gray levels, 0 outside the cell.
        mask: bool `(H, W)`, the cell.

    Returns:
        The bands, `(4, H, W)` in gray levels, valid on the cell only; and the mask blurred by
        `_EDGE`, `(H, W)`, from which the depth below the edge follows.
    """
    height, width = mask.shape
    # One FFT filters gray and mask as the real and the imaginary part of one image. The margin
    # prevents wrap-around; few frame sizes mean few cached filters.
    frame = [-(-(side + 32) // 32) * 32 for side in (height, width)]
    picture = np.zeros(frame, np.complex64)
    picture[:height, :width] = gray + 1j * mask
    spectrum = np.fft.fft2(picture)
    levels = [gray]
    for scale in BAND_SCALES[1:]:
        soft = np.fft.ifft2(spectrum * _filter(*frame, scale))[:height, :width]
        # Division by the blurred mask excludes the black background.
        levels.append(soft.real / np.maximum(soft.imag, 1e-3))
    bands = np.array([fine - coarse for fine, coarse in pairwise(levels)])
    return bands, np.fft.ifft2(spectrum * _filter(*frame, _EDGE)).imag[:height, :width]


def _at_depth(depth: float) -> float:
    """Value of the blurred mask at a depth in px inside a straight edge."""
    return 0.5 * (1 + math.erf(depth / _EDGE / math.sqrt(2)))


@lru_cache(maxsize=64)
def _filter(height: int, width: int, sigma: float) -> Floats:
    """Gaussian low-pass filter of the spectrum of an image."""
    f2 = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.fftfreq(width)[None] ** 2
    return np.exp(-2 * np.pi**2 * sigma**2 * f2).astype(np.float32)
