"""Identity of an image by its decoded pixels: one hash for all copies that show the same pixels.

The same pixels have the same hash in any container (BMP, PNG, TIFF, lossless WebP), as RGB, gray or
palette, with any metadata, with more or less pure black around the cell, and turned by quarter
turns or mirrored. Anything that changes one pixel gives another hash: lossy compression, resizing,
a crop into the cell, another rotation, a change of color, a background that is not pure black. The
audit recognizes such copies by their texture.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.foreground import Box, nonblack_box

Pixels = NDArray[np.uint8]


def pixel_sha256(image: Pixels, box: Box | None = None) -> str:
    """Hash what an image shows, regardless of its file, its black margin and its orientation.

    Args:
        image: uint8 (H, W, 3), RGB, as `decode` returns it.
        box: Its `nonblack_box`, if it is known.

    Returns:
        64 hexadecimal digits: the smallest sha256 among the eight turned and mirrored forms of the
        box around all pixels that are not pure black. "" for an image of one color, which
        identifies nothing.
    """
    box = box or nonblack_box(image)
    cell = image[:0] if box is None else image[box]
    if not cell.size or _has_one_color(cell):
        return ""
    planes = np.ascontiguousarray(cell.transpose(2, 0, 1))  # turned several times as fast as pixels
    return min(_sha256(form) for form in _canonical_forms(planes))


def _has_one_color(cell: Pixels) -> bool:
    color = cell[0, 0]
    return bool((cell[0] == color).all() and (cell == color).all())


def _canonical_forms(planes: Pixels) -> list[Pixels]:
    """The turned and mirrored forms with the smallest first row: one, or several in symmetry.

    Any of the eight forms gives the same list, but for its order, at the cost of comparing a row.

    Args:
        planes: uint8 (3, H, W).
    """
    upright = (planes, planes.transpose(0, 2, 1))
    sideways = [side for form in upright for side in (form, form[:, :, ::-1])]
    forms = [form for side in sideways for form in (side, side[:, ::-1])]
    rows = [(form.shape, form[:, 0].tobytes()) for form in forms]
    first = min(rows)
    return [form for form, row in zip(forms, rows, strict=True) if row == first]


def _sha256(planes: Pixels) -> str:
    _, height, width = planes.shape
    digest = hashlib.sha256(f"RGB {width} {height}\n".encode())
    digest.update(np.ascontiguousarray(planes).data)
    return digest.hexdigest()
