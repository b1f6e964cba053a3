"""Cut the cells of many fields out into a folder: images, a cohort, a table of all objects, sheets.

| file | content |
|---|---|
| `images/.../FIELD_NN.png` | the cells that were taken |
| `cells.csv` | a row per such image: a cohort, which every command reads |
| `objects.csv` | a row per object found, taken or left out, with its outline and the reason |
| `fields.csv` | a row per field, with its scale and the number of its cells |
| `sheets/.../FIELD.jpg` | the field with its outlines |
"""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.drawn import mark_drawn
from leukoscope.core.errors import ImageError
from leukoscope.core.files import atomic_path
from leukoscope.core.progress import track
from leukoscope.core.sampling import evenly_spread
from leukoscope.data.class_words import class_of_folder
from leukoscope.data.imaging.image import decode, read_bytes
from leukoscope.data.imaging.resolution import INCH, stated_scale
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX
from leukoscope.data.options import NO_OPTIONS, ReadingOptions
from leukoscope.data.smear.field import CellImage, cells_of_field
from leukoscope.data.smear.red_cells import (
    ScaleEstimate,
    estimate_scale,
    measure_red_cells,
)
from leukoscope.data.smear.segment import Segmenter, segment
from leukoscope.data.smear.sheet import draw_sheet

GIVEN, STATED, RED_CELLS, UNKNOWN_SCALE = "given", "file", "red cells", "unknown"
FIELDS_FOR_SCALE = 24
"""Number of fields, evenly spread, whose red cells are measured."""


@dataclass(frozen=True)
class SmearSettings:
    """Settings of `collect`.

    Attributes:
        um_per_px: Scale of all fields; None to read it from the files, or else estimate it.
        keep: Flags that are no reason to leave an object out.
        segmenter: Gives the outlines.
        options: Words for classes, and the pattern for subjects.
        match_color: Match the colors of the cells to C-NMC's.
        jobs: Threads.
    """

    um_per_px: float | None = None
    keep: Collection[str] = ()
    segmenter: Segmenter = segment
    options: ReadingOptions = NO_OPTIONS
    match_color: bool = False
    jobs: int = 2


@dataclass(frozen=True)
class FieldResult:
    """The objects of one field.

    Attributes:
        path: The field.
        name: Its name in the folder written, without suffix.
        um_per_px: Its scale, or None.
        scale_from: "given", "file", "red cells" or "unknown".
        objects: A row per object, of plain values.
        problem: Why the field could not be read, or "".
    """

    path: Path
    name: str
    um_per_px: float | None
    scale_from: str
    objects: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""

    @property
    def taken(self) -> int:
        """Number of cells cut out."""
        return sum(not row["left_out"] for row in self.objects)


def collect(
    fields: Sequence[Path], folder: Path, settings: SmearSettings
) -> tuple[list[FieldResult], ScaleEstimate | None]:
    """Cut the cells of fields out and write images and sheets; a damaged field does not stop it.

    Args:
        fields: Image files.
        folder: Folder for `images` and `sheets`.
        settings: What to do.

    Returns:
        A result per field, in order, and the estimate of the scale if one was needed.
    """
    names = output_names(fields)
    estimate = None
    if settings.um_per_px is None:
        estimate = _estimated(fields, settings.jobs)
    jobs = zip(fields, names, strict=True)

    def run(job: tuple[Path, str]) -> FieldResult:
        return _one_field(*job, folder, settings, estimate)

    with ThreadPoolExecutor(max(1, settings.jobs)) as pool:
        results = list(track(pool.map(run, jobs), "Finding cells", total=len(fields)))
    mark_drawn(folder / sheet_of(result.name) for result in results if not result.problem)
    return results, estimate


def sheet_of(name: str) -> str:
    """Name of the sheet of a field, in the folder written."""
    return f"sheets/{name}.jpg"


def output_names(fields: Sequence[Path]) -> list[str]:
    """A name for each field, relative to their common folder, without suffix and all different."""
    parents = [path.absolute().parent for path in fields]
    common = list(parents[0].parts) if parents else []
    for parent in parents:
        same = sum(1 for _ in _equal_start(common, parent.parts))
        common = common[:same]
    names: list[str] = []
    seen: dict[str, int] = {}
    for path in fields:
        relative = Path(*path.absolute().parts[len(common) :]).with_suffix("")
        name = relative.as_posix()
        count = seen[name.lower()] = seen.get(name.lower(), 0) + 1
        names.append(name if count == 1 else f"{name}~{path.suffix.lstrip('.') or count}{count}")
    return names


def _equal_start(first: Sequence[str], second: Sequence[str]) -> Iterator[str]:
    for one, other in zip(first, second, strict=False):
        if one != other:
            return
        yield one


def _estimated(fields: Sequence[Path], jobs: int) -> ScaleEstimate | None:
    """Scale by the red cells of the fields that state none."""
    rows = evenly_spread(len(fields), FIELDS_FOR_SCALE)

    def measured(row: int) -> NDArray[np.float64] | None:
        try:
            data = read_bytes(fields[row])
            if stated_scale(data):
                return None
            return measure_red_cells(decode(data))
        except ImageError:
            return None

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        found = list(track(pool.map(measured, rows), "Measuring red cells", total=len(rows)))
    fields_measured = [cells for cells in found if cells is not None]
    return estimate_scale(fields_measured) if fields_measured else None


def _one_field(
    path: Path, name: str, folder: Path, settings: SmearSettings, estimate: ScaleEstimate | None
) -> FieldResult:
    scale, source = settings.um_per_px, GIVEN
    try:
        data = read_bytes(path)
        if scale is None:
            scale, source = stated_scale(data), STATED
        if scale is None:
            scale = estimate.um_per_px if estimate else None
            source = RED_CELLS if scale else UNKNOWN_SCALE
        image = decode(data)
        cells = cells_of_field(image, scale, segmenter=settings.segmenter, keep=settings.keep)
    except ImageError as error:
        text = str(error).removeprefix(f"{path}: ").removeprefix("the image: ")
        return FieldResult(path, name, scale, source, problem=text)
    rows = []
    for number, cell in enumerate(cells, start=1):
        written = ""
        if cell.image is not None:
            written = f"images/{name}_{number:02d}.png"
            save(cell.image, folder / written, CNMC_UM_PER_PX if scale else None)
        rows.append(_row(number, cell, written, path, name, scale, source, settings.options))
    save(draw_sheet(image, [cell.found for cell in cells]), folder / sheet_of(name))
    return FieldResult(path, name, scale, source, tuple(rows))


def save(picture: NDArray[np.uint8], path: Path, um_per_px: float | None = None) -> None:
    """Write a picture, uint8 RGB `(H, W, 3)`, as PNG with its scale, or as JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = _jpeg_bytes(picture) if path.suffix == ".jpg" else png_bytes(picture, um_per_px)
    with atomic_path(path) as part:
        part.write_bytes(content)


def png_bytes(picture: NDArray[np.uint8], um_per_px: float | None) -> bytes:
    """A picture, uint8 RGB `(H, W, 3)`, as a PNG file that states its scale, if it is known."""
    from PIL import Image

    stream = io.BytesIO()
    dots = {"dpi": (INCH / um_per_px,) * 2} if um_per_px else {}
    Image.fromarray(picture).save(stream, "PNG", compress_level=1, **dots)
    return stream.getvalue()


def _jpeg_bytes(picture: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _row(
    number: int,
    cell: CellImage,
    written: str,
    path: Path,
    name: str,
    scale: float | None,
    source: str,
    options: ReadingOptions,
) -> dict[str, Any]:
    found = cell.found
    left, top, right, bottom = found.box
    return {
        "path": written,
        "label": class_of_folder(path.parts[:-1], options.words),
        "subject": options.subject_of(path),
        "field": name,
        "object": number,
        "x": round((left + right) / 2, 1),
        "y": round((top + bottom) / 2, 1),
        "width": round(right - left, 1),
        "height": round(bottom - top, 1),
        "diameter_um": None if found.diameter_um is None else round(found.diameter_um, 2),
        "nucleus_fraction": round(found.nucleus_fraction, 3),
        "solidity": round(found.solidity, 3),
        "nucleus_pieces": found.pieces,
        "flags": ";".join(found.flags),
        "left_out": found.left_out,
        "um_per_px": CNMC_UM_PER_PX if scale else None,
        "field_um_per_px": None if scale is None else round(scale, 5),
        "scale_from": source,
        "outline": " ".join(f"{x:.1f},{y:.1f}" for x, y in found.outline),
    }
