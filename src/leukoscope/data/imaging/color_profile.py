"""Color profiles of image files. They are not applied: the pixels are read as the file has them."""

from collections.abc import Mapping
from typing import Any

SRGB_GAMMA, TOLERANCE = 1 / 2.2, 0.005
"""The gamma that a PNG with sRGB colors states, and the difference from which it is another one."""
_SRGB = (b"sRGB", "sRGB".encode("utf-16-be"))
"""The name of sRGB in a profile of version 2, and of version 4."""


def has_other_colors(info: Mapping[Any, Any]) -> bool:
    """True if a file states that its colors are not sRGB, by an ICC profile or the gamma of a PNG.

    An ICC profile counts before a chunk `sRGB`, and that before a gamma, as in the PNG
    specification (third edition, 4.3).

    Args:
        info: The attribute `info` of an image that Pillow opened.
    """
    if profile := info.get("icc_profile"):
        return not any(name in profile for name in _SRGB)
    gamma = info.get("gamma")
    if "srgb" in info or not isinstance(gamma, float):
        return False
    return abs(gamma - SRGB_GAMMA) > TOLERANCE
