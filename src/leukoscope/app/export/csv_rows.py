"""Rows of a case as CSV, and what every export names."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from leukoscope.core.version import __version__

LoadImage = Callable[[int], bytes]

SOFTWARE = f"leukoscope {__version__}"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ROWS_AT_ONCE = 500


def table_lines(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """A CSV, some hundred rows at a time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow([harmless(value) if isinstance(value, str) else value for value in row])
        if number % ROWS_AT_ONCE == 0:
            yield _taken(text)
    yield _taken(text)


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: where it begins like one, an apostrophe leads.

    Numbers are not text here, so a negative logit stays as it is.
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _taken(text: io.StringIO) -> bytes:
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data
