"""What can be measured on one cell: size, shape, colour, sharpness, and signs of a faulty cut-out.

Everything is measured on the cell's own pixels, those that are not pure black, in pixels of the
original image: a C-NMC frame is mostly background, which would swamp any statistic of the frame.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.image import cell_mask
from leukoscope.errors import missing_extra

RIM = 5
"""Pixels at the outline left out of the sharpness: the cut against black is the sharpest edge."""
SPECK = 20
"""A connected part of fewer pixels is a speck and no piece."""


@dataclass(frozen=True)
class CellFeatures:
    """Measurements of one cell: lengths in original pixels, colours in grey levels 0-255.

    Attributes:
        area: Pixels of the cell, all pieces together.
        width: Horizontal extent.
        height: Vertical extent.
        eccentricity: Of the ellipse with the same second moments: 0 a circle, towards 1 a line.
        solidity: Area of the largest piece over the area of its convex hull, at most about 1.
        red: Mean red value on the cell.
        green: Mean green value on the cell.
        blue: Mean blue value on the cell.
        hue: Hue of that mean colour in degrees.
        saturation: Saturation of that mean colour, 0 to 1.
        sharpness: Variance of the Laplacian of the grey image inside the cell, the focus measure of
            Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
        pieces: Connected parts (8-neighbourhood) of at least `SPECK` pixels.
        border: Share of the frame's outermost pixels that are not black: above 0 the cell is cut
            off, near 1 the picture does not lie on black.
    """

    area: float
    width: float
    height: float
    eccentricity: float
    solidity: float
    red: float
    green: float
    blue: float
    hue: float
    saturation: float
    sharpness: float
    pieces: float
    border: float


FEATURES = tuple(field.name for field in fields(CellFeatures))


def measure(image: NDArray[np.uint8]) -> CellFeatures:
    """Measure one decoded image.

    Args:
        image: uint8 RGB `(H, W, 3)` at the original pixel scale.

    Returns:
        The measurements. An image without any cell has area, pieces and border 0 and else NaN.

    Raises:
        MissingExtraError: if OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise missing_extra("measuring cells", error) from error
    mask = cell_mask(image)
    edges = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        unknown = dict.fromkeys(FEATURES, float("nan"))
        return CellFeatures(**(unknown | {"area": 0.0, "pieces": 0.0, "border": 0.0}))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    cell, inside = image[box], mask[box].view(np.uint8)
    area = float(cv2.countNonZero(inside))
    red, green, blue, _ = cv2.mean(cell, inside)
    hue, saturation = _hue_saturation(red, green, blue)
    _, _, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    return CellFeatures(
        area=area,
        width=float(inside.shape[1]),
        height=float(inside.shape[0]),
        eccentricity=_eccentricity(cv2.moments(inside, binaryImage=True)),
        solidity=_solidity(inside),
        red=red,
        green=green,
        blue=blue,
        hue=hue,
        saturation=saturation,
        sharpness=_sharpness(cell, inside),
        pieces=float((sizes >= SPECK).sum()),
        border=float(edges.mean()),
    )


def _sharpness(cell: NDArray[np.uint8], inside: NDArray[np.uint8]) -> float:
    import cv2

    kernel = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    core = cv2.erode(inside, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if not core.any():
        core = inside
    grey = cv2.cvtColor(cell, cv2.COLOR_RGB2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F), mask=core)
    return float(deviation[0, 0] ** 2)


def _solidity(inside: NDArray[np.uint8]) -> float:
    import cv2

    outlines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(outlines, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(largest))
    return float(cv2.contourArea(largest) / hull) if hull > 0 else 1.0


def _eccentricity(moments: dict[str, float]) -> float:
    spread = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]])
    minor, major = np.linalg.eigvalsh(spread)
    return float(np.sqrt(max(0.0, 1 - minor / major))) if major > 0 else 0.0


def _hue_saturation(red: float, green: float, blue: float) -> tuple[float, float]:
    import colorsys

    hue, saturation, _ = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    return 360 * hue, saturation
