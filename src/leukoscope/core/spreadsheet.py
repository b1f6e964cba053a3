"""CSV that no spreadsheet program runs as formulas, and that reads back as it was.

Text that a program would take for a formula gets an apostrophe wherever a cell can begin: at its
start, and after what is a delimiter in other countries. Text that has apostrophes there already
gets one more, so that `unguard` is exact. See OWASP, "CSV injection".
"""

import re
from collections.abc import Iterable

# The full-width forms are the same to East Asian versions.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_PLACES = re.compile(
    rf"\A'*(?=[ \u00a0]*[{_SIGNS}\t\r\n])|(?<=[;\t\r\n])'*(?=[ \u00a0]*[{_SIGNS}])"
)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TO_QUOTE = re.compile(r'[,;"\t\r\n]')


def guard(text: str) -> str:
    """Text as no formula; a number is one already."""
    if _NUMBER.fullmatch(text):
        return text
    return _PLACES.sub(lambda place: f"{place.group()}'", text)


def unguard(text: str) -> str:
    """The text that `guard` was given."""
    return _PLACES.sub(lambda place: place.group()[1:], text)


def keep(text: str) -> str:
    """Text that `unguard` returns unchanged, for tables that other programs read, too."""
    return text if unguard(text) == text else guard(text)


def csv_line(values: Iterable[object], *, guarded: bool = True) -> str:
    """One line of a CSV table, with its line end.

    Args:
        values: Text, numbers, or None for an empty cell.
        guarded: Let no spreadsheet program take text for a formula.
    """
    protect = guard if guarded else keep
    fields = [_field(protect(v) if isinstance(v, str) else v) for v in values]
    return (",".join(fields) if fields != [""] else '""') + "\n"


def _field(value: object) -> str:
    if value is None:
        return ""
    text = float.__repr__(value) if isinstance(value, float) else str(value)
    # Also for delimiters of other countries, which would divide the text there.
    return '"' + text.replace('"', '""') + '"' if _TO_QUOTE.search(text) else text
