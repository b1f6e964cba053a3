"""The white cells of one picture of a smear: found for a person to choose, then cut out.

Both steps find the same objects, so nothing is kept between them.
"""

import base64
import io
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.app.schemas import FieldCell, FieldCells, ScaleSource
from leukoscope.core.errors import ImageError
from leukoscope.core.installing import install_command
from leukoscope.core.wording import count as counted
from leukoscope.data.imaging.image import decode
from leukoscope.data.imaging.resolution import stated_scale

if TYPE_CHECKING:
    from leukoscope.data.smear.field import CellImage

MOST_CELLS = 1_000
"""Objects of a picture: a person cannot choose among more."""
BYTES_PER_PIXEL = 10
"""Memory for a pixel of a picture: the picture, and its densities at the working scale."""


def missing() -> str:
    """The reason why no cells can be found: OpenCV is not installed; "" if it is."""
    if find_spec("cv2") is not None:
        return ""
    return f"finding cells in pictures of smears needs an extra: {install_command('train')}"


def find_cells(name: str, data: bytes, um_per_px: float | None, max_pixels: int) -> FieldCells:
    """Find the objects of a picture.

    Args:
        name: Name of the file.
        data: Its content.
        um_per_px: Its scale; None to take what the file states, or else an estimate.
        max_pixels: Limit on its pixels.

    Raises:
        ImageError: It cannot be read, has one color, is a cell on black already, or shows too much.
    """
    from leukoscope.data.smear.field import each_cell

    image = decode(data, max_pixels=max_pixels)
    scale = _scale(data, image, um_per_px)
    cells = [
        FieldCell(
            number=number,
            outline=[(round(x, 1), round(y, 1)) for x, y in cell.found.outline.tolist()],
            diameter_um=cell.found.diameter_um and round(cell.found.diameter_um, 2),
            flags=[str(flag) for flag in cell.found.flags],
            left_out=cell.found.left_out,
        )
        for number, cell in _numbered(each_cell(image, scale.um_per_px))
    ]
    return FieldCells(
        name=name,
        width=image.shape[1],
        height=image.shape[0],
        um_per_px=scale.um_per_px,
        scale_from=scale.source,
        scale_text=scale.text,
        picture=_picture(image),
        cells=cells,
    )


def unusable(name: str, problem: str) -> FieldCells:
    """The answer for a picture in which no cells can be looked for."""
    return FieldCells(
        name=name,
        width=0,
        height=0,
        um_per_px=None,
        scale_from="unknown",
        scale_text="",
        picture="",
        problem=problem,
        cells=[],
    )


def cut_cells(
    name: str, data: bytes, um_per_px: float | None, numbers: Collection[int], max_pixels: int
) -> bytes:
    """Cut chosen objects out of a picture, into a ZIP of PNG images.

    Args:
        name: Name of the file; the images have its name and their number.
        data: Its content.
        um_per_px: As for `find_cells`.
        numbers: Of the objects.
        max_pixels: As for `find_cells`.

    Raises:
        ImageError: As for `find_cells`; or there is no such object, or it is too large for an image
            of a cell.
    """
    from leukoscope.data.imaging.scale import CNMC_UM_PER_PX
    from leukoscope.data.smear.collect import png_bytes
    from leukoscope.data.smear.field import each_cell
    from leukoscope.data.smear.found import LEAVE_OUT

    image = decode(data, max_pixels=max_pixels)
    scale = _scale(data, image, um_per_px).um_per_px
    wanted, count = set(numbers), 0
    # Files whose name begins with a dot are hidden, and passed over where archives are read.
    out, stem = io.BytesIO(), PurePath(name).stem.lstrip(". ") or "field"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for count, cell in _numbered(each_cell(image, scale, keep=LEAVE_OUT)):
            if count not in wanted:
                continue
            if cell.image is None:
                raise ImageError(f"object {count} is too large for an image of a cell.")
            content = png_bytes(cell.image, CNMC_UM_PER_PX if scale else None)
            archive.writestr(zipfile.ZipInfo(f"{stem}_{count:02d}.png"), content)
    if absent := sorted(number for number in wanted if not 1 <= number <= count):
        raise ImageError(f"no object {absent[0]}; there are {count}.")
    return out.getvalue()


def _numbered(cells: "Iterator[CellImage]") -> "Iterator[tuple[int, CellImage]]":
    """Objects with their number.

    Raises:
        ImageError: There are more than a person can choose from.
    """
    for number, cell in enumerate(cells, start=1):
        if number > MOST_CELLS:
            raise ImageError(
                f"more than {counted(MOST_CELLS, 'object')}, at most {MOST_CELLS:,}; cut it into "
                "smaller ones."
            )
        yield number, cell


@dataclass(frozen=True)
class _Scale:
    um_per_px: float | None
    source: ScaleSource
    text: str


def _scale(data: bytes, image: np.ndarray, given: float | None) -> _Scale:
    """The scale of a picture, by the order of `leukoscope cells`."""
    from leukoscope.data.smear.red_cells import estimate_scale, measure_red_cells

    if given is not None:
        return _Scale(given, "given", "")
    if stated := stated_scale(data):
        return _Scale(stated, "file", "as the file states")
    estimate = estimate_scale([measure_red_cells(image)])
    if estimate.um_per_px is None:
        return _Scale(None, "unknown", estimate.problem)
    text = f"estimated from {counted(estimate.red_cells, 'red cell')}, error {estimate.error:.0%}"
    return _Scale(round(estimate.um_per_px, 5), "red cells", text)


def _picture(image: np.ndarray) -> str:
    from PIL import Image

    from leukoscope.data.smear.density import reduced_image
    from leukoscope.data.smear.sheet import LONGEST

    factor = min(1.0, LONGEST / max(image.shape[:2]))
    out = io.BytesIO()
    Image.fromarray(reduced_image(image, factor)).save(out, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
