"""The reviewed cells of a case as a cohort that `data info`, `train` and `evaluate` read.

Images go into the archive one at a time, and it is sent while it grows: memory holds one of them.
"""

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from leukoscope.app.export.csv_rows import SOFTWARE, LoadImage, table_lines
from leukoscope.app.schemas import Case, Cell
from leukoscope.app.store.errors import ConflictError
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.data.cohort import ALL, HEM, LABEL_NAMES

COLUMNS = ("path", "label", "subject", "sha256", "reviewer")
LABELS = (LABEL_NAMES[ALL], LABEL_NAMES[HEM])
NAME_BYTES = 150
# Formats without compression of their own.
SQUEEZED = (".bmp", ".tif", ".tiff")
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def cohort_zip(case: Case, now: datetime, load_image: LoadImage) -> Iterator[bytes]:
    """A ZIP of cohort.csv, README.txt and, where they are kept, images/.

    Only cells that a person reviewed as ALL or HEM are in it, with the label of the latest review.

    Raises:
        ConflictError: There are none.
    """
    cells = [cell for cell in case.cells if cell.review and cell.review.label in LABELS]
    if not cells:
        raise ConflictError(
            "no cell of this case is reviewed as ALL or HEM yet; a cohort has only reviewed cells"
        )
    return _zip(case, cells, now, load_image)


def safe_names(names: Iterable[str]) -> list[str]:
    """File names, each different in every file system, none with a folder or a way out in it."""
    taken: set[str] = set()
    found = []
    for name in names:
        stem, dot, suffix = _safe(name).rpartition(".")
        if not stem or len(suffix) > 5:
            stem, dot, suffix = _safe(name), "", ""
        wanted, number = f"{stem}{dot}{suffix}", 1
        while wanted.casefold() in taken:
            number += 1
            wanted = f"{stem}-{number}{dot}{suffix}"
        taken.add(wanted.casefold())
        found.append(wanted)
    return found


def _safe(name: str) -> str:
    """The last part of a path, of characters that every system takes, not too long."""
    last = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    last = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", last).strip(". ")
    if RESERVED.match(last):
        last = f"_{last}"
    stem, dot, suffix = last.rpartition(".")
    room = NAME_BYTES - len(f"{dot}{suffix}".encode())
    if room > 0 and dot:
        last = stem.encode()[:room].decode("utf-8", "ignore") + dot + suffix
    return last.encode()[:NAME_BYTES].decode("utf-8", "ignore").rstrip(". ") or "cell"


def _zip(
    case: Case, cells: Sequence[Cell], now: datetime, load_image: LoadImage
) -> Iterator[bytes]:
    paths = [f"images/{name}" for name in safe_names(cell.name for cell in cells)]
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(path: str, data: bytes, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
            info = zipfile.ZipInfo(path, now.timetuple()[:6])
            info.compress_type, info.external_attr = kind, 0o644 << 16
            archive.writestr(info, data)
            return sink.taken()

        yield put("README.txt", _readme(case, cells, now).encode())
        yield put("cohort.csv", b"".join(table_lines(COLUMNS, map(_row, paths, cells))))
        for path, cell in zip(paths, cells, strict=True):
            if cell.has_image:
                squeeze = path.lower().endswith(SQUEEZED)
                kind = zipfile.ZIP_DEFLATED if squeeze else zipfile.ZIP_STORED
                yield put(path, load_image(cell.id), kind)
    yield sink.taken()


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
        f" UTC: {len(cells)} cells, {kept} with their image file.",
        "",
        "cohort.csv has a row per cell: path, label (ALL or HEM, of the latest review), subject,",
        "sha256 of the file, and who reviewed it. A label is what a person said of a picture; it",
        "is no diagnosis.",
        "",
        "    leukoscope data info cohort.csv",
        "    leukoscope data audit cohort.csv --out audit",
        "    leukoscope train audit/cohort.csv",
    ]
    if kept < len(cells):
        lines += [
            "",
            "Where a case does not keep images, put the files into images/ under the names in the",
            "column path; their sha256 tells which is which.",
        ]
    return "\n".join([*lines, ""])


class _Sink(io.RawIOBase):
    """Where the archive is written to, and taken from."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Keep a part until it is taken."""
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        """All that was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
