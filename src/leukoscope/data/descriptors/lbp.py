"""Which small patterns the texture is made of: local binary patterns.

Rotation-invariant uniform patterns of eight neighbors: Ojala, Pietikainen and Maenpaa,
"Multiresolution gray-scale and rotation invariant texture classification with local binary
patterns", IEEE Trans. Pattern Analysis and Machine Intelligence 24, 2002. Coarser patterns are of
the smoothed cell with neighbors farther off, as in Maenpaa and Pietikainen, "Multi-scale binary
patterns for texture analysis", SCIA 2003.
"""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.foreground_crop import Descriptor, ForegroundCrop

SCALES = {1: 0, 2: 1, 4: 2}
"""Distance of the neighbors, pixels, to how often the cell is smoothed."""
LEAST = 1e-3
"""A neighbor counts as darker only by this much, so that rounding makes no pattern."""
NEIGHBORS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
MIXED = 9

OJALA = "Ojala et al., 2002"

PATTERNS = tuple(
    Descriptor(
        f"lbp_{distance}_{kind}",
        "1",
        f"root of the share of pixels with {f'an arc of {kind}' if kind < MIXED else 'no arc of'} "
        f"darker neighbors {distance} px off",
        OJALA,
    )
    for distance in SCALES
    for kind in range(MIXED + 1)
)


def _kinds() -> NDArray[np.uint8]:
    """The kind of each of 256 patterns: how many bits are set, `MIXED` if not in one arc."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), MIXED).astype(np.uint8)


KINDS = _kinds()


def local_binary_patterns(cell: ForegroundCrop) -> dict[str, float]:
    """The descriptors `PATTERNS`: pixels inside, all of whose neighbors are on the cell."""
    found: dict[str, float] = {}
    for distance, scale in SCALES.items():
        share = histogram(cell.levels[scale], cell.inside, distance)
        found |= {f"lbp_{distance}_{kind}": float(share[kind] ** 0.5) for kind in range(MIXED + 1)}
    return found


def histogram(
    picture: NDArray[np.float32], inside: NDArray[np.bool_], distance: int
) -> NDArray[np.float64]:
    """Share of each kind of pattern around the pixels `inside`, (10,)."""
    wide = np.pad(picture, distance)
    height, width = picture.shape
    limit = picture + np.float32(LEAST)
    code = np.zeros(picture.shape, np.uint8)
    for bit, (down, right) in enumerate(NEIGHBORS):
        top, left = distance * (1 + down), distance * (1 + right)
        code |= (wide[top : top + height, left : left + width] > limit).view(np.uint8) << bit
    counts = np.bincount(KINDS[code[inside]], minlength=MIXED + 1)
    return counts / counts.sum()
