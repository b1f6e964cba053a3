"""Size and outline of a cell."""

import math

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.foreground_crop import Descriptor, ForegroundCrop
from leukoscope.data.imaging.shape import find_runs, second_moments, solidity

HARMONICS = 8
_LEAST = 0.01  # added to 1 - circularity and 1 - solidity; a disc on pixels has about as much
_FLOOR = 1e-3  # of the mean radius, the resolution of the pixels

CROFTON = (
    "Legland, Kieu and Devaux, Computation of Minkowski measures on 2D and 3D binary images, "
    "Image Analysis and Stereology 26, 2007"
)
FOURIER = (
    "Zahn and Roskies, Fourier descriptors for plane closed curves, IEEE Trans. Computers C-21, "
    "1972; here of the radius"
)

SIZE = (
    Descriptor("ln_area", "ln px²", "area, holes filled"),
    Descriptor(
        "ln_perimeter", "ln px", "perimeter, from intersections in four directions", CROFTON
    ),
)
OUTLINE = (
    Descriptor("ln_1_less_circularity", "ln 1", "circularity is 4 pi area / perimeter²", CROFTON),
    Descriptor("ln_1_less_solidity", "ln 1", "solidity is area / area of the convex hull"),
    Descriptor("ln_aspect", "ln 1", "ln of long / short axis of the ellipse with equal moments"),
    *(
        Descriptor(
            f"ln_harmonic_{k}",
            "ln 1",
            f"ln of the amplitude of {k} waves of the radius around the cell, relative to its mean",
            FOURIER,
        )
        for k in range(1, HARMONICS + 1)
    ),
    Descriptor(
        "ln_roughness",
        "ln 1",
        f"ln of the deviation of the radius above {HARMONICS} waves",
        FOURIER,
    ),
)


def shape_descriptors(cell: ForegroundCrop) -> dict[str, float]:
    """Compute the descriptors `SIZE` and `OUTLINE`."""
    area, length = float(np.count_nonzero(cell.filled)), perimeter(cell.filled)
    circularity = 4 * math.pi * area / length**2
    minor, major = np.linalg.eigvalsh(second_moments(find_runs(cell.filled)))
    waves = np.abs(np.fft.rfft(cell.radius / cell.radius.mean())) * 2 / cell.radius.size
    beyond = math.sqrt(float(np.sum(waves[HARMONICS + 1 :] ** 2)) / 2)
    return {
        "ln_area": math.log(area),
        "ln_perimeter": math.log(length),
        "ln_1_less_circularity": math.log(max(0.0, 1 - circularity) + _LEAST),
        "ln_1_less_solidity": math.log(1 - solidity(cell.filled) + _LEAST),
        "ln_aspect": math.log((major + 1) / (minor + 1)) / 2,  # a pixel has a width itself
        "ln_roughness": math.log(beyond + _FLOOR),
    } | {f"ln_harmonic_{k}": math.log(waves[k] + _FLOOR) for k in range(1, HARMONICS + 1)}


def perimeter(mask: NDArray[np.bool_]) -> float:
    """Perimeter of a mask in pixels by the Crofton formula with four directions."""
    wide = np.pad(mask, 1).view(np.uint8)
    cuts = [
        np.count_nonzero(wide[:, 1:] != wide[:, :-1]),
        np.count_nonzero(wide[1:] != wide[:-1]),
        np.count_nonzero(wide[1:, 1:] != wide[:-1, :-1]),
        np.count_nonzero(wide[1:, :-1] != wide[:-1, 1:]),
    ]
    return math.pi / 8 * (cuts[0] + cuts[1] + (cuts[2] + cuts[3]) / math.sqrt(2))
