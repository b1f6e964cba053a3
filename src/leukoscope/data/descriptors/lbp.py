"""Local binary patterns (LBP) of the optical density.

Rotation-invariant uniform patterns of eight neighbors: Ojala, Pietikainen and Maenpaa,
"Multiresolution gray-scale and rotation invariant texture classification with local binary
patterns", IEEE Trans. Pattern Analysis and Machine Intelligence 24, 2002. Coarser patterns use the
smoothed cell and more distant neighbors, as in Maenpaa and Pietikainen, "Multi-scale binary
patterns for texture analysis", SCIA 2003.
"""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.foreground_crop import Descriptor, ForegroundCrop

SCALES = {1: 0, 2: 1, 4: 2}
"""Distance of the neighbors in pixels to the number of smoothing steps."""
MARGIN = 1e-3
"""Smallest density difference of a darker neighbor, so that rounding makes no pattern."""
NEIGHBORS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
NON_UNIFORM = 9

OJALA = "Ojala et al., 2002"

LBP = tuple(
    Descriptor(
        f"lbp_{distance}_{kind}",
        "1",
        f"root of the fraction of pixels with "
        f"{f'an arc of {kind}' if kind < NON_UNIFORM else 'no arc of'} darker neighbors "
        f"at {distance} px",
        OJALA,
    )
    for distance in SCALES
    for kind in range(NON_UNIFORM + 1)
)


def _kinds() -> NDArray[np.uint8]:
    """Kind of each of the 256 patterns: number of bits set, or `NON_UNIFORM` if not in one arc."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), NON_UNIFORM).astype(np.uint8)


KINDS = _kinds()


def lbp_descriptors(cell: ForegroundCrop) -> dict[str, float]:
    """Compute the descriptors `LBP`, over pixels inside, whose neighbors are all on the cell."""
    values: dict[str, float] = {}
    for distance, scale in SCALES.items():
        fractions = lbp_histogram(cell.levels[scale], cell.inside, distance)
        values |= {
            f"lbp_{distance}_{kind}": float(fractions[kind] ** 0.5)
            for kind in range(NON_UNIFORM + 1)
        }
    return values


def lbp_histogram(
    picture: NDArray[np.float32], inside: NDArray[np.bool_], distance: int
) -> NDArray[np.float64]:
    """Fraction of each kind of pattern around the pixels `inside`, (10,)."""
    wide = np.pad(picture, distance)
    height, width = picture.shape
    limit = picture + np.float32(MARGIN)
    code = np.zeros(picture.shape, np.uint8)
    for bit, (down, right) in enumerate(NEIGHBORS):
        top, left = distance * (1 + down), distance * (1 + right)
        code |= (wide[top : top + height, left : left + width] > limit).view(np.uint8) << bit
    counts = np.bincount(KINDS[code[inside]], minlength=NON_UNIFORM + 1)
    return counts / counts.sum()
