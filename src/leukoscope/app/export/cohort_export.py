"""Export the reviewed cells of a case as a cohort for `data info`, `train` and `evaluate`.

The archive is finished before it is sent, so that what arrives is complete whatever happens to the
case meanwhile. Images are added one at a time, so only one is in memory.
"""

import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO

from leukoscope.app.export.csv_rows import SOFTWARE, LoadImage, csv_lines
from leukoscope.app.schemas import Case, Cell
from leukoscope.app.store.errors import ConflictError
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.wording import count as counted
from leukoscope.data.cohort import ALL, HEM, LABEL_NAMES

COLUMNS = ("path", "label", "subject", "sha256", "reviewer")
LABELS = (LABEL_NAMES[ALL], LABEL_NAMES[HEM])
NAME_BYTES = 150
# Uncompressed image formats, which are compressed in the ZIP.
COMPRESSED_SUFFIXES = (".bmp", ".tif", ".tiff")
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def write_cohort_zip(case: Case, now: datetime, load_image: LoadImage, file: IO[bytes]) -> None:
    """Write a ZIP of cohort.csv, README.txt and, if stored, images/.

    It contains the cells reviewed as ALL or HEM, with the label of their latest review.

    Args:
        case: Case with its cells.
        now: Time of the export.
        load_image: Function that loads the stored image of a cell id.
        file: An open file to write to.

    Raises:
        ConflictError: No cell is reviewed as ALL or HEM.
    """
    cells = [cell for cell in case.cells if cell.review and cell.review.label in LABELS]
    if not cells:
        raise ConflictError(
            "no cell of this case is reviewed as ALL or HEM yet; review some cells first"
        )
    _write_zip(case, cells, now, load_image, file)


def safe_names(names: Iterable[str]) -> list[str]:
    """Make file names unique and valid on every file system, without folders."""
    taken: set[str] = set()
    safe = []
    for name in names:
        stem, dot, suffix = _safe(name).rpartition(".")
        if not stem or len(suffix) > 5:
            stem, dot, suffix = _safe(name), "", ""
        wanted, number = f"{stem}{dot}{suffix}", 1
        while wanted.casefold() in taken:
            number += 1
            wanted = f"{stem}-{number}{dot}{suffix}"
        taken.add(wanted.casefold())
        safe.append(wanted)
    return safe


def _safe(name: str) -> str:
    """The last part of a path, with characters valid everywhere, shortened if too long."""
    last = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    last = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", last).strip(". ")
    if RESERVED.match(last):
        last = f"_{last}"
    stem, dot, suffix = last.rpartition(".")
    room = NAME_BYTES - len(f"{dot}{suffix}".encode())
    if room > 0 and dot:
        last = stem.encode()[:room].decode("utf-8", "ignore") + dot + suffix
    return last.encode()[:NAME_BYTES].decode("utf-8", "ignore").rstrip(". ") or "cell"


def _write_zip(
    case: Case, cells: Sequence[Cell], now: datetime, load_image: LoadImage, file: IO[bytes]
) -> None:
    paths = [f"images/{name}" for name in safe_names(cell.name for cell in cells)]
    with zipfile.ZipFile(file, "w") as archive:

        def put(path: str, data: bytes, kind: int = zipfile.ZIP_DEFLATED) -> None:
            info = zipfile.ZipInfo(path, now.timetuple()[:6])
            info.compress_type, info.external_attr = kind, 0o644 << 16
            archive.writestr(info, data)

        put("README.txt", _readme(case, cells, now).encode())
        put("cohort.csv", b"".join(csv_lines(COLUMNS, map(_row, paths, cells), guarded=False)))
        for path, cell in zip(paths, cells, strict=True):
            if cell.has_image:
                compress = path.lower().endswith(COMPRESSED_SUFFIXES)
                kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
                put(path, load_image(cell.id), kind)


def _row(path: str, cell: Cell) -> tuple[str, ...]:
    review = cell.review
    assert review is not None
    return (path, review.label, cell.subject, cell.sha256, review.reviewer)


def _readme(case: Case, cells: Sequence[Cell], now: datetime) -> str:
    kept = sum(cell.has_image for cell in cells)
    lines = [
        RESEARCH_USE,
        "",
        f"Reviewed cells of the case {case.name!r}, written by {SOFTWARE} at {now:%Y-%m-%d %H:%M}"
        f" UTC: {counted(len(cells), 'cell')}, {kept} of them with the image file.",
        "",
        "cohort.csv has one row per cell: path, label (ALL or HEM, of the latest review), subject,",
        "sha256 of the file, and reviewer. A label is one person's reading of an image, not a",
        "diagnosis.",
        "",
        "    leukoscope data info cohort.csv",
        "    leukoscope data audit cohort.csv --out audit",
        "    leukoscope train audit/cohort.csv",
    ]
    if kept < len(cells):
        lines += [
            "",
            "Copy the images that the case does not keep to images/, under the names in the column",
            "path; their sha256 identifies them.",
        ]
    return "\n".join([*lines, ""])
