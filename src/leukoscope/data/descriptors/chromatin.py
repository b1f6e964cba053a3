"""Chromatin and nucleoli: amount, number and position of dark clumps and pale spots."""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.foreground_crop import Descriptor, ForegroundCrop, moments
from leukoscope.data.descriptors.radial_profile import ANGLE, ANGLES, sample_rays
from leukoscope.data.imaging.shape import find_runs, label_runs

STEP = 0.15  # difference of optical density: 14 % paler or 16 % darker
BLOB = 0.05  # smallest difference of density between a spot and its surroundings
LEAST = 12  # smallest number of pixels of a spot
RINGS = 5
SECTORS = 8
_BINS = 64
_FLOOR = 0.01

OTSU = "Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9, 1979"
RADIAL = (
    "radial distribution: Carpenter et al., CellProfiler, Genome Biology 7, 2006; Young, Verbeek "
    "and Mayall, Characterization of chromatin distribution in cell nuclei, Cytometry 7, 1986"
)
YOUNG = "condensation and clumps of chromatin: Young, Verbeek and Mayall, Cytometry 7, 1986"

CHROMATIN = (
    Descriptor("otsu_dark", "1", "fraction of the cell above the threshold of Otsu", OTSU),
    Descriptor("otsu_step", "1", "mean density above that threshold minus that below", OTSU),
    Descriptor("otsu_split", "1", "fraction of the variance that the threshold explains", OTSU),
    Descriptor(
        "root_dark", "1", f"root of the fraction {STEP} denser than the median inside", YOUNG
    ),
    Descriptor("root_pale", "1", f"root of the fraction {STEP} less dense than the median", YOUNG),
    Descriptor(
        "root_halo", "1", f"root of the fraction of the whole cell {2 * STEP:.1f} less dense"
    ),
    *(
        descriptor
        for kind, what in (("pale", "pale spots, nucleoli among them"), ("dark", "dark clumps"))
        for descriptor in (
            Descriptor(f"ln_{kind}_spots", "ln 1", f"ln (1 + number) of {what}", YOUNG),
            Descriptor(f"root_{kind}_spots", "1", f"root of the area fraction of {what} inside"),
            Descriptor(f"ln_{kind}_largest", "ln px²", f"ln (1 + area) of the largest of {what}"),
            Descriptor(
                f"ln_{kind}_strength", "ln 1", f"ln of the contrast of the top 0.5 %: {what}"
            ),
        )
    ),
    *(
        Descriptor(
            f"ring_{ring}",
            "1",
            f"mean density of ring {ring} of {RINGS} from the center, minus the overall mean",
            RADIAL,
        )
        for ring in range(1, RINGS + 1)
    ),
    Descriptor("sector_deviation", "1", f"deviation of the density of {SECTORS} sectors", RADIAL),
    Descriptor("off_center", "1", "distance of the center of density from the centroid, in radii"),
)


def chromatin_descriptors(cell: ForegroundCrop) -> dict[str, float]:
    """Compute the descriptors `CHROMATIN`."""
    inside = cell.density[cell.inside]
    middle = float(np.median(inside))
    result = {
        "root_dark": float(np.mean(inside > middle + STEP)) ** 0.5,
        "root_pale": float(np.mean(inside < middle - STEP)) ** 0.5,
        "root_halo": float(np.mean(cell.density[cell.mask] < middle - 2 * STEP)) ** 0.5,
    }
    result |= _otsu(cell.levels[1][cell.mask])
    band = cell.levels[2] - cell.levels[4]
    for kind, sign in (("pale", -1), ("dark", 1)):
        result |= _spots(np.float32(sign) * band, cell.inside, kind)
    return result | _radial_distribution(cell)


def _otsu(values: NDArray[np.float32]) -> dict[str, float]:
    """Threshold of Otsu, from a histogram between the extremes of the values."""
    low, high = float(values.min()), float(values.max())
    variance = float(values.var(dtype=np.float64))
    if high - low < 1e-3 or variance <= 0:
        return {"otsu_dark": 0.5, "otsu_step": 0.0, "otsu_split": 0.0}
    counts, edges = np.histogram(values, _BINS, (low, high))
    level = (edges[1:] + edges[:-1]) / 2
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * level)[:-1]
    above = values.size - below
    step = (np.sum(counts * level) - sums) / above - sums / below  # both ends hold a value
    dark = above / values.size
    between = dark * (1 - dark) * step**2
    best = int(between.argmax())
    split = min(1.0, float(between[best]) / variance)
    return {"otsu_dark": float(dark[best]), "otsu_step": float(step[best]), "otsu_split": split}


def _spots(band: NDArray[np.float32], inside: NDArray[np.bool_], kind: str) -> dict[str, float]:
    runs = find_runs(inside & (band > BLOB))
    sizes = np.bincount(label_runs(runs, diagonal=False), weights=runs.length)
    sizes = sizes[sizes >= LEAST]
    strength = float(np.percentile(band[inside], 99.5))
    return {
        f"ln_{kind}_spots": float(np.log1p(sizes.size)),
        f"root_{kind}_spots": float(np.sqrt(sizes.sum() / np.count_nonzero(inside))),
        f"ln_{kind}_largest": float(np.log1p(sizes.max(initial=0.0))),
        f"ln_{kind}_strength": float(np.log(max(0.0, strength) + _FLOOR)),
    }


def _radial_distribution(cell: ForegroundCrop) -> dict[str, float]:
    """Density by ring and sector, on a polar grid that follows the outline."""
    center, radius = cell.center, cell.radius
    reach = (np.arange(4 * RINGS) + 0.5) / (4 * RINGS)
    grid = sample_rays(cell.levels[1], center, radius[:, None] * reach)  # (angles, 4 * rings)
    known = sample_rays(cell.mask.astype(np.float32), center, radius[:, None] * reach) > 0.99
    weight = known * reach * (radius[:, None] / radius.mean()) ** 2
    weight = weight if weight.any() else np.ones_like(weight)
    overall = float((grid * weight).sum() / weight.sum())
    excess = (grid - overall) * weight
    ring = excess.reshape(ANGLES, RINGS, 4).sum(axis=(0, 2))
    ring /= np.maximum(weight.reshape(ANGLES, RINGS, 4).sum(axis=(0, 2)), 1e-6)
    sectors = [x.reshape(SECTORS, -1).sum(axis=1) for x in (excess, weight)]
    _, deviation, _ = moments(sectors[0] / np.maximum(sectors[1], 1e-6))
    direction = np.exp(1j * ANGLE)[:, None]
    offset = np.abs((direction * radius[:, None] * reach * excess).sum()) / weight.sum()
    return {
        "sector_deviation": deviation,
        "off_center": float(offset / radius.mean() / max(abs(overall), 0.1)),
    } | {f"ring_{number}": float(value) for number, value in enumerate(ring, 1)}
