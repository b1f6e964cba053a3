"""Strength and skewness of the texture inside a cell by scale."""

import numpy as np

from leukoscope.data.descriptors.foreground_crop import SCALES, Descriptor, ForegroundCrop, moments

UNSER = (
    "energies of wavelet bands: Unser, Texture classification and segmentation using wavelet "
    "frames, IEEE Trans. Image Processing 4, 1995"
)
WIDTHS = ("0-1", "1-2.2", "2.2-4.6", "4.6-9.2", "9.2-18.5")
_FLOOR = 1e-3

TEXTURE = tuple(
    descriptor
    for scale, width in enumerate(WIDTHS, 1)
    for descriptor in (
        Descriptor(
            f"ln_band_{scale}",
            "ln 1",
            f"ln of the deviation of the optical density between scales of {width} px",
            UNSER,
        ),
        Descriptor(f"band_{scale}_skewness", "1", "skewness of that band; above 0: dark specks"),
    )
)


def texture_descriptors(cell: ForegroundCrop) -> dict[str, float]:
    """Compute the descriptors `TEXTURE`, inside the cell."""
    levels = cell.levels[:, cell.inside]
    values: dict[str, float] = {}
    for scale in range(1, SCALES + 1):
        _, deviation, skewness = moments(levels[scale - 1] - levels[scale])
        values[f"ln_band_{scale}"] = float(np.log(deviation + _FLOOR))
        values[f"band_{scale}_skewness"] = skewness
    return values
