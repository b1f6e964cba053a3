"""Contact sheet of a field: the outlines of its objects, with their numbers and reasons."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.data.smear.density import reduced_image
from leukoscope.data.smear.found import Found

TAKEN, LEFT_OUT = (0, 158, 115), (213, 94, 0)
"""Colors of outlines (M. Okabe, K. Ito, 2008): green for cells taken, orange for others."""
LONGEST = 1600
"""Longest side of a sheet, px."""
INK, PAPER = (20, 20, 20), (255, 255, 255)


def draw_sheet(image: NDArray[np.uint8], objects: Sequence[Found]) -> NDArray[np.uint8]:
    """Draw the outlines of objects on their field.

    Args:
        image: uint8 RGB `(H, W, 3)`.
        objects: Its objects.

    Returns:
        uint8 RGB of at most `LONGEST` px. Each object has its number; one left out has the reason
        too, and a dashed mark in its middle, so that color is not the only sign.
    """
    factor = min(1.0, LONGEST / max(image.shape[:2]))
    sheet = np.ascontiguousarray(reduced_image(image, factor))
    for number, found in enumerate(objects, start=1):
        color = LEFT_OUT if found.left_out else TAKEN
        points = np.round(found.outline * factor).astype(np.int32)
        cv2.polylines(sheet, [points], True, color, 2, cv2.LINE_AA)
        text = f"{number} {found.left_out}".strip()
        left, top = found.box[0] * factor, found.box[1] * factor
        _write(sheet, text, int(left), int(top) - 4)
        if found.left_out:
            middle = (points.min(axis=0) + points.max(axis=0)) // 2
            place = (int(middle[0]), int(middle[1]))
            cv2.drawMarker(sheet, place, color, cv2.MARKER_TILTED_CROSS, 14, 2, cv2.LINE_AA)
    return sheet


def _write(sheet: NDArray[np.uint8], text: str, x: int, y: int) -> None:
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    x = int(np.clip(x, 0, max(sheet.shape[1] - width, 0)))
    y = int(np.clip(y, height, max(sheet.shape[0] - 2, height)))
    for color, thickness in ((PAPER, 3), (INK, 1)):
        cv2.putText(
            sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, thickness, cv2.LINE_AA
        )
