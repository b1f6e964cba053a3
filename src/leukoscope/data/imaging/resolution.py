"""Scale of a picture by the resolution that its file states.

Microscope software writes it into OME-TIFF, ImageJ and Aperio descriptions, or into the resolution
of TIFF, PNG and JPEG. Other programs write what suits a screen or a printer there: 72, 96 or 300
dots per inch are 85 µm and more for a pixel, 100 times as much as under any objective that shows a
nucleus. Such a number states no scale.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from leukoscope.data.imaging.opening import open_picture

if TYPE_CHECKING:
    from PIL import ImageFile

FINEST, COARSEST = 0.01, 1.0
"""µm per pixel between which a stated resolution is a microscope's."""
UNEQUAL = 0.01
"""Relative difference of width and height of a pixel from which the number is no scale."""
INCH, CENTIMETER = 25_400.0, 10_000.0  # µm
TO_UM = {
    "": 1.0,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "\\u00b5m": 1.0,
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "pixel": 0.0,
}
IMAGE_DESCRIPTION, RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION = 270, 296, 282, 283


def stated_scale(data: bytes | Path) -> float | None:
    """µm per pixel that an image file states, or None.

    Args:
        data: Content of the file, or its path, of which only the head is read.
    """
    try:
        with open_picture(data) as image:
            return scale_of_picture(image)
    except Exception:  # decoders of hostile bytes raise nearly anything; decoding reports it
        return None


def scale_of_picture(image: "ImageFile.ImageFile") -> float | None:
    """µm per pixel that an opened image file states; None if it states none, or not legibly."""
    try:
        is_tiff = image.format == "TIFF"
        sizes = _of_tiff(dict(image.tag_v2)) if is_tiff else _of_dots(image.info)  # type: ignore[attr-defined]
    except Exception:  # tags can hold anything
        return None
    return plausible(*sizes) if sizes else None


def plausible(width: float, height: float) -> float | None:
    """The scale of pixels of this width and height in µm, if they are a microscope's."""
    if not (FINEST <= width <= COARSEST and FINEST <= height <= COARSEST):
        return None
    return (width + height) / 2 if abs(width / height - 1) <= UNEQUAL else None


def _of_tiff(tags: dict[int, object]) -> tuple[float, float] | None:
    text = str(tags.get(IMAGE_DESCRIPTION, ""))
    if "<OME" in text:
        return _of_ome(text)
    if found := re.search(r"\bMPP\s*=\s*([0-9.]+)", text):  # Aperio
        return float(found[1]), float(found[1])
    x, y = (float(str(tags.get(tag, 0) or 0)) for tag in (X_RESOLUTION, Y_RESOLUTION))
    if x <= 0 or y <= 0:
        return None
    if found := re.search(r"^unit=(\S+)", text, re.M):  # ImageJ: pixels per unit
        unit = TO_UM.get(found[1].lower(), 0.0)
    else:
        unit = {2: INCH, 3: CENTIMETER}.get(int(str(tags.get(RESOLUTION_UNIT, 2))), 0.0)
    return unit / x, unit / y


def _of_ome(text: str) -> tuple[float, float] | None:
    sizes = []
    for axis in "XY":
        size = re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]+)"', text)
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]*)"', text)
        if size is None:
            return None
        sizes.append(float(size[1]) * TO_UM.get(unit[1] if unit else "", 0.0))
    return sizes[0], sizes[1]


def _of_dots(info: dict[str | tuple[int, int], object]) -> tuple[float, float] | None:
    """The scale by the dots per inch of a PNG, JPEG or BMP."""
    dots = info.get("dpi")
    if not isinstance(dots, tuple) or len(dots) < 2:
        return None
    x, y = float(dots[0]), float(dots[1])
    return (INCH / x, INCH / y) if x > 0 and y > 0 else None
