"""CSV as spreadsheet programs write it: any usual encoding, line end and delimiter."""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from leukoscope.core.errors import CohortError

DELIMITERS = ",;\t"
_SEP_LINE = re.compile(r'"?sep=(.)"?[,;\t]*\r?\n?', re.IGNORECASE)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")


def decode_text(content: bytes) -> str:
    """Decode the bytes of a table: UTF-8 with or without BOM, or UTF-16 as Excel's Unicode text.

    Other bytes become half surrogates, as in the file names of Python; see `readable`.

    Raises:
        ValueError: The text is UTF-16 but damaged.
    """
    if content.startswith(_UTF_16):
        return content.decode("utf-16")
    if content[1:2] == b"\0" and content[3:4] == b"\0":
        return content.decode("utf-16-le")
    return content.decode("utf-8-sig", "surrogateescape")


def readable(text: str) -> str:
    """Read half surrogates as cp1252, the encoding of Western Windows.

    Raises:
        ValueError: The bytes have no meaning in cp1252 either.
    """
    if text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text):
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("cp1252")
    except UnicodeError as error:
        raise ValueError(
            "its text is neither UTF-8 nor Windows-1252; save it as CSV UTF-8"
        ) from error


def csv_rows(
    text: str, path: Path, filled: Collection[str] = ()
) -> tuple[list[str], list[list[str]], str]:
    """Split a CSV into column names, rows and the delimiter.

    A line `sep=;` names the delimiter; otherwise it is the most frequent of comma, semicolon and
    tab in the first line. Empty lines and blank columns without a name are left out, and blank rows
    if a column of `filled` is there, in which a real row has a value.

    Raises:
        CohortError: There is no line of names, a name is given twice, or a row is too long or too
            short.
    """
    sep = _SEP_LINE.match(text)
    text = text[sep.end() :] if sep else text
    lines = io.StringIO(text, newline="")
    head = text.lstrip("\r\n").split("\n", 1)[0].split("\r", 1)[0]
    delimiter = sep.group(1) if sep else max(DELIMITERS, key=head.count)
    reader = csv.reader(lines, delimiter=delimiter)
    names = [name.strip() for name in next(_filled(reader), [])]
    if not any(names):
        raise CohortError(f"{path}: the file is empty; a table starts with a line of column names.")
    named = [name for name in names if name]
    if len(set(named)) != len(named):
        raise CohortError(f"{path}: two columns have the same name; rename one.")
    rows = []
    has_filled = any(name in filled for name in named)
    for row in _filled(reader) if has_filled else filter(None, reader):
        extra = row[len(names) :]
        missing = len(names) - len(row)
        if any(value.strip() for value in extra) or (missing > 0 and any(names[-missing:])):
            raise CohortError(
                f"{path}, line {reader.line_num + bool(sep)}: {len(row)} values where the "
                f"first line names {len(names)} columns."
            )
        rows.append([*row, *[""] * missing][: len(names)])
    kept = [index for index, name in enumerate(names) if name]
    for index in sorted(set(range(len(names))) - set(kept)):
        if any(row[index].strip() for row in rows) and index:
            raise CohortError(
                f"{path}: column {index + 1} has values but no name; name it in the first line."
            )
    return [names[index] for index in kept], [[row[i] for i in kept] for row in rows], delimiter


def with_decimal_points(values: list[str]) -> list[str]:
    """Numbers with decimal commas ("0,87") written with points; any other column is unchanged."""
    filled = [value.strip() for value in values if value.strip()]
    commas = [value for value in filled if _DECIMAL_COMMA.fullmatch(value)]
    rest = set(filled) - set(commas)
    if commas and all(re.fullmatch(r"[+-]?\d+", value) for value in rest):
        return [value.strip().replace(",", ".") for value in values]
    return values


def _filled(rows: "Iterator[list[str]]") -> Iterator[list[str]]:
    """The rows that hold more than delimiters and blanks."""
    return (row for row in rows if len(row) == 1 or any(value.strip() for value in row))
