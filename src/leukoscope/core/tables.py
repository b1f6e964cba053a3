"""Tables on disk. In memory a table is a dict of equally long columns; the suffix names the format.

Text columns are object arrays of str with "" for "unknown"; numbers are NumPy numbers with nan for
"unknown". CSV and JSON lines stream; Parquet is written through Arrow (arro3), so that any step of
the work can be opened in pandas, R or DuckDB.
"""

import csv
import json
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from leukoscope.core.csv_text import csv_rows, decode_text, readable, with_decimal_points
from leukoscope.core.errors import CohortError
from leukoscope.core.files import atomic_path
from leukoscope.core.json_files import escape_surrogates, finite
from leukoscope.core.parquet import ParquetRows, read_parquet, write_parquet
from leukoscope.core.printable import visible
from leukoscope.core.spreadsheet import csv_line, unguard
from leukoscope.core.strict_json import unique_keys

Table = dict[str, np.ndarray]
SUFFIXES = (".csv", ".jsonl", ".parquet")


def text_column(values: Sequence[object]) -> np.ndarray:
    """An object array of str in which None became ""."""
    column = np.empty(len(values), dtype=object)
    column[:] = ["" if value is None else str(value) for value in values]
    return column


def read_table(path: Path | str, *, text: Collection[str] = ()) -> Table:
    """Read a .csv, .jsonl or .parquet file.

    A CSV column whose every cell is a number becomes int64 or float64 (an empty cell is nan); any
    other stays text, so that subject ids such as "007" keep their zeros: a number is taken as such
    only when it prints back the same.

    Args:
        path: The file.
        text: Columns that are text whatever they look like: a subject "7" stays "7", and does not
            become 7.0 because another row has none.

    Raises:
        CohortError: The file is absent, unreadable, ragged or of another format.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return typed_columns(read_parquet(path), text=text)
        if suffix == ".csv":
            return _read_csv(decode_text(path.read_bytes()), path, text)
        if suffix == ".jsonl":
            return _read_jsonl(decode_text(path.read_bytes()), path, text)
    except (OSError, ValueError, OverflowError, RecursionError, csv.Error) as error:
        raise CohortError(f"{path}: cannot be read as a table ({error}).") from error
    raise CohortError(f"{path}: a table ends in {', '.join(SUFFIXES)}; rename or convert it.")


def typed_columns(values: Mapping[str, list[Any]], *, text: Collection[str] = ()) -> Table:
    """Turn lists of Python values, None where unknown, into the columns of a table.

    Args:
        values: Name to values, all of one length.
        text: Columns that are text whatever they look like, as for `read_table`.
    """
    return {name: _loaded(column, name in text) for name, column in values.items()}


def write_table(
    path: Path | str,
    columns: Mapping[str, Sequence[Any] | np.ndarray],
    *,
    guarded: bool = True,
) -> None:
    """Write columns of equal length, atomically, in the format of the suffix.

    Args:
        path: Where to write.
        columns: Name to values.
        guarded: In CSV, let no spreadsheet program take text for a formula; see `core.spreadsheet`.
            `read_table` returns the text as it was, but other programs do not.
    """
    names = list(columns)
    with TableWriter(path, names, guarded=guarded) as writer:
        for values in zip(*columns.values(), strict=True):
            writer.write(dict(zip(names, values, strict=True)))


def check_suffix(path: Path) -> None:
    """Refuse the name of a table whose suffix names no format.

    Raises:
        CohortError: Another suffix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise CohortError(f"{path}: choose a name that ends in {', '.join(SUFFIXES)}.")


class TableWriter:
    """Write rows as they come; the file appears, whole, when the block ends without an error.

    Args:
        path: Where to write, by suffix; None or "-" prints CSV on standard output.
        fields: The columns, in order. A row may lack some (written as unknown) but adds none.
        guarded: As for `write_table`.
        numbers: For Parquet, the columns of numbers; all others are text. Without them the types
            are those of the values, for which all rows are held until the end.
    """

    def __init__(
        self,
        path: Path | str | None,
        fields: Sequence[str],
        *,
        guarded: bool = True,
        numbers: Collection[str] | None = None,
    ) -> None:
        self.path = None if path is None or str(path) == "-" else Path(path)
        self.fields = list(fields)
        self._guarded = guarded
        if self.path is not None:
            check_suffix(self.path)
        self._stack = ExitStack()
        self._rows: list[Mapping[str, object]] = []
        self._typed = None if numbers is None else ParquetRows(self.fields, numbers)

    def __enter__(self) -> Self:
        """Open the temporary file."""
        try:
            self._open()
        except BaseException:
            self._stack.__exit__(*sys.exc_info())
            raise
        return self

    def _open(self) -> None:
        self._temporary = self._file = None
        if self.path is None:
            self._file = sys.stdout
        else:
            self._temporary = self._stack.enter_context(atomic_path(self.path))
            if self.path.suffix.lower() != ".parquet":
                opened = self._temporary.open(
                    "w", encoding="utf-8", errors="surrogateescape", newline=""
                )
                self._file = self._stack.enter_context(opened)
        if self._file is not None and not self._is_jsonl():
            self._write_line(self.fields)

    def write(self, row: Mapping[str, object]) -> None:
        """Add one row."""
        if self._file is None and self._typed is not None:
            self._typed.add({name: finite(row.get(name)) for name in self.fields})
        elif self._file is None:
            self._rows.append(row)
        elif self._is_jsonl():
            values = {name: finite(row.get(name)) for name in self.fields}
            self._file.write(escape_surrogates(json.dumps(values, ensure_ascii=False)) + "\n")
        else:
            self._write_line([finite(row.get(name)) for name in self.fields])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Put the finished file in place, or leave nothing after an error."""
        try:
            if kind is None and self._temporary is not None and self._file is None:
                self._write_parquet(self._temporary)
        except BaseException:
            self._stack.__exit__(*sys.exc_info())
            raise
        return self._stack.__exit__(kind, error, trace)

    def _write_parquet(self, path: Path) -> None:
        if self._typed is not None:
            path.write_bytes(self._typed.content())
            return
        columns = {
            name: _array([finite(row.get(name)) for row in self._rows]) for name in self.fields
        }
        write_parquet(path, columns)

    def _write_line(self, values: Sequence[object]) -> None:
        assert self._file is not None
        line = csv_line(values, guarded=self._guarded)
        self._file.write(visible(line) if self.path is None else line)

    def _is_jsonl(self) -> bool:
        return self.path is not None and self.path.suffix.lower() == ".jsonl"


def _read_csv(content: str, path: Path, text: Collection[str]) -> Table:
    if content.startswith("PK\x03\x04"):
        raise CohortError(f"{path}: an Excel workbook; save it as CSV UTF-8 in Excel.")
    names, rows, delimiter = csv_rows(content, path, text)
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    table: Table = {}
    for name, column in zip(map(_heading, names), columns, strict=True):
        column = [unguard(value) for value in column]
        values = column if is_file_name(name) else [readable(value) for value in column]
        if name in text or is_file_name(name):
            table[name] = text_column(values)
        else:
            table[name] = _typed(values if delimiter == "," else with_decimal_points(values))
    return table


def _heading(name: str) -> str:
    return unguard(readable(name))


def is_file_name(column: str) -> bool:
    """True for a column of file names, which need not be text in any encoding."""
    return column.strip().lower() == "path"


def _read_jsonl(content: str, path: Path, text: Collection[str]) -> Table:
    rows = [
        json.loads(line, object_pairs_hook=unique_keys)
        for line in content.split("\n")
        if line.strip()
    ]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise CohortError(
                f"{path}, row {number}: a line must be an object of columns and values."
            )
    names = list(dict.fromkeys(name for row in rows for name in row))
    return typed_columns({name: [row.get(name) for row in rows] for name in names}, text=text)


def _loaded(values: list[Any], is_text: bool) -> np.ndarray:
    return text_column([_name(value) for value in values]) if is_text else _array(values)


def _name(value: Any) -> Any:
    """A name that other tools stored as a number: 7.0 in a column with blanks was 7."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else finite(value)
    return value


def _typed(values: list[str]) -> np.ndarray:
    filled = [value for value in values if value]
    if filled and len(filled) == len(values) and all(_is_integer(value) for value in filled):
        return np.array(values, dtype=np.int64)
    if filled and all(_is_float(value) for value in filled):
        return np.array([float(value) if value else math.nan for value in values])
    return text_column(values)


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return (
        text.isascii()
        and len(digits) < 19  # always fits into 64 bits
        and digits.isdecimal()
        and str(int(text)) == text
    )


def _is_float(text: str) -> bool:
    if text[:1] == "0" and text[1:2].isdecimal():  # "007" is a name
        return False
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _array(values: list[Any]) -> np.ndarray:
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {bool} and None not in values:
        return np.array(values, dtype=bool)
    if kinds and kinds <= {int} and None not in values:
        return np.array(values, dtype=np.int64)
    if kinds and kinds <= {int, float}:
        return np.array([math.nan if value is None else value for value in values], dtype=float)
    return text_column(values)
