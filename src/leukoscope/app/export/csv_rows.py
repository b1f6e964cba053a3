"""Rows of a case as CSV, and what every export names."""

from collections.abc import Callable, Iterable, Iterator

from leukoscope.core.spreadsheet import csv_line
from leukoscope.core.version import __version__

LoadImage = Callable[[int], bytes]

SOFTWARE = f"leukoscope {__version__}"
ROWS_PER_CHUNK = 500


def csv_lines(
    columns: Iterable[str], rows: Iterable[Iterable[object]], *, guarded: bool = True
) -> Iterator[bytes]:
    """Write a CSV table, some hundred rows at a time; `guarded` as in `csv_line`."""
    lines = [csv_line(columns)]
    for row in rows:
        lines.append(csv_line(row, guarded=guarded))
        if len(lines) >= ROWS_PER_CHUNK:
            yield "".join(lines).encode()
            lines = []
    yield "".join(lines).encode()
