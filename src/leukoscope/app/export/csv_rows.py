"""Rows of a case as CSV, and what every export names."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from leukoscope.core.version import __version__

LoadImage = Callable[[int], bytes]

SOFTWARE = f"leukoscope {__version__}"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ROWS_PER_CHUNK = 500


def csv_lines(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """Write a CSV table, some hundred rows at a time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow(
            [escape_formula(value) if isinstance(value, str) else value for value in row]
        )
        if number % ROWS_PER_CHUNK == 0:
            yield _taken(text)
    yield _taken(text)


def escape_formula(text: str) -> str:
    """Prefix text that looks like a formula with an apostrophe, so that no spreadsheet runs it.

    Numbers are not passed here, so a negative logit stays unchanged.
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _taken(text: io.StringIO) -> bytes:
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data
