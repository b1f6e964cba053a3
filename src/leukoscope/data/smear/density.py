"""Optical density of a stained smear, and the two contrasts that distinguish its contents.

Stain absorbs light by the law of Beer and Lambert, so the density of a pixel is the logarithm of
the light of the empty background divided by its own light, in each color. A stained nucleus absorbs
red and green and lets blue through; hemoglobin absorbs blue and green and lets red through. So red
plus green minus blue is high in nuclei and near zero in red cells, whatever the stain's strength.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

FAINT = 0.05
"""Nuclear contrast below which a pixel has no say in the threshold: ground and red cells."""
LEAST_SEPARATION = 0.12
"""Least difference of nuclear contrast between nuclei and the rest; below there are no nuclei."""
LEAST_DENSITY = 0.06
"""Green density of the palest red cell or cytoplasm."""


@dataclass(frozen=True)
class Densities:
    """Densities of a field.

    Attributes:
        rgb: float32 `(h, w, 3)`, 0 on the empty background.
        nuclear: float32 `(h, w)`, red plus green minus blue.
        whole: float32 `(h, w)`, the sum of the three.
        hue: float32 `(h, w)`, `nuclear` as a fraction of the whole density: about .1 in red cells,
            .5 and more in nuclei and cytoplasm.
    """

    rgb: Floats
    nuclear: Floats
    whole: Floats
    hue: Floats


def reduced_image(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """An image at another scale, uint8 RGB, with areas averaged where it becomes smaller."""
    size = tuple(max(1, round(side * factor)) for side in image.shape[1::-1])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def ground_color(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Color of the empty background: the most frequent bright level of green, which cells absorb.

    Args:
        image: uint8 RGB `(H, W, 3)`.

    Returns:
        Red, green and blue.
    """
    few = image[::4, ::4].reshape(-1, 3) if image.size > 1_000_000 else image.reshape(-1, 3)
    green = few[:, 1]
    counts = np.bincount(green, minlength=256).astype(np.float64)
    counts[: int(otsu(counts, np.arange(257.0))) + 1] = 0
    level = int(np.convolve(counts, np.ones(7), "same").argmax())
    near = np.abs(green.astype(int) - level) <= 6
    if not near.any():  # one color: no level is brighter than another
        near[:] = True
    return np.asarray(np.median(few[near], axis=0), np.float64)


def densities(image: NDArray[np.uint8], ground: NDArray[np.float64], blur: float) -> Densities:
    """Densities of an image.

    Args:
        image: uint8 RGB `(h, w, 3)`.
        ground: Color of the empty background.
        blur: Standard deviation of a Gaussian against noise, in pixels.
    """
    levels = np.arange(256)[:, None]
    table = -np.log10(np.clip((levels + 1) / (ground + 1), 1e-3, 1)).astype(np.float32)
    rgb = np.asarray(cv2.LUT(image, table[:, None]), np.float32)
    rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), blur), np.float32)
    sums = np.array([[1, 1, -1], [1, 1, 1]], np.float32)
    nuclear, whole = (
        np.asarray(plane, np.float32) for plane in cv2.split(cv2.transform(rgb, sums))
    )
    hue = nuclear / np.maximum(whole, np.float32(LEAST_DENSITY))
    return Densities(rgb, nuclear, whole, np.asarray(hue, np.float32))


def nuclear_mask(field: Densities) -> Mask:
    """Stained nuclei, platelets and dirt: above Otsu's threshold of the nuclear contrast.

    Returns:
        bool `(h, w)`, all False if no pixels stand out.
    """
    values = field.nuclear[field.nuclear > FAINT]
    if values.size < 2:
        return np.zeros(field.nuclear.shape, bool)
    counts, edges = np.histogram(values, 256, (FAINT, 2.0))
    level = otsu(counts.astype(np.float64), edges)
    high = values > level
    if not high.any() or high.all():
        return np.zeros(field.nuclear.shape, bool)
    apart = float(values[high].mean() - values[~high].mean())
    return field.nuclear > level if apart >= LEAST_SEPARATION else np.zeros_like(field.hue, bool)


def stained_mask(field: Densities, nuclei: Mask) -> Mask:
    """Everything that is not empty background: above Otsu's threshold of the green density.

    Args:
        field: The densities.
        nuclei: bool `(h, w)`, left out of the threshold, since they are far darker than red cells.
    """
    green = field.rgb[..., 1]
    counts, edges = np.histogram(np.clip(green[~nuclei], 0, 0.5), 256, (0, 0.5))
    level = otsu(counts.astype(np.float64), edges)
    return (green > max(level, LEAST_DENSITY)) | nuclei


def otsu(counts: NDArray[np.float64], edges: NDArray[np.floating]) -> float:
    """Threshold that separates a histogram into two classes best (N. Otsu, "A threshold selection
    method from gray-level histograms", IEEE Trans. SMC 9 (1979) 62-66).

    Args:
        counts: `(n,)`.
        edges: `(n + 1,)` limits of the bins.

    Returns:
        The edge above the last bin of the lower class; the highest edge if all is in one bin.
    """
    middle = (edges[:-1] + edges[1:]) / 2
    below, moment = np.cumsum(counts), np.cumsum(counts * middle)
    above = below[-1] - below
    both = (below > 0) & (above > 0)
    if not both.any():
        return float(edges[-1])
    between = np.zeros_like(below)
    mean = moment[-1] / below[-1]
    between[both] = (mean * below - moment)[both] ** 2 / (below * above)[both]
    return float(edges[int(between.argmax()) + 1])
