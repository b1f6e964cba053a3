"""Parquet through Arrow (arro3). Its reader aborts at some damaged files, so it runs isolated."""

import io
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.isolated import IsolatedError, call_isolated

MAGIC = b"PAR1"
GROUP = 65_536  # rows of a row group


def read_parquet(path: Path) -> dict[str, list[Any]]:
    """Read the columns of a file as lists of numbers, booleans, text and None.

    Raises:
        CohortError: The file is absent, damaged or not Parquet.
        OSError: It cannot be opened.
    """
    if not path.is_file():
        raise CohortError(f"{path}: no such file.")
    if not _has_both_ends(path):
        raise CohortError(f"{path}: cannot be read as Parquet (cut short, or another format).")
    try:
        columns: dict[str, list[Any]] = call_isolated(_columns, [str(path)])
    except IsolatedError as error:
        reason = str(error).rpartition("`Err` value: ")[2][:120]  # the end of a panic in Rust
        raise CohortError(f"{path}: cannot be read as Parquet ({reason}).") from error
    return columns


def write_parquet(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write columns of numbers, booleans and text."""
    from arro3.core import Array, DataType, Table
    from arro3.io import write_parquet

    types = {
        "f": DataType.float64(),
        "i": DataType.int64(),
        "b": DataType.bool(),
        "O": DataType.utf8(),
    }
    arrays: dict[str, Any] = {
        name: Array(column.tolist(), type=types[column.dtype.kind])
        for name, column in columns.items()
    }
    buffer = io.BytesIO()  # a full disk would be a panic of Rust
    write_parquet(Table.from_pydict(arrays), buffer)
    path.write_bytes(buffer.getvalue())


class ParquetRows:
    """Rows collected as Arrow batches, which take a tenth of the memory of rows in Python.

    Args:
        fields: The columns, in order. All are text, with "" for unknown.
        numbers: Those that are float64 instead, with nan for unknown.
    """

    def __init__(self, fields: Sequence[str], numbers: Collection[str]) -> None:
        self._fields, self._numbers = list(fields), set(numbers)
        self._rows: list[Mapping[str, object]] = []
        self._batches: list[Any] = []

    def add(self, row: Mapping[str, object]) -> None:
        """Add one row; a column that it lacks is unknown."""
        self._rows.append(row)
        if len(self._rows) == GROUP:
            self._pack()

    def content(self) -> bytes:
        """The Parquet file."""
        from arro3.core import Table
        from arro3.io import write_parquet

        self._pack()
        buffer = io.BytesIO()  # a full disk would be a panic of Rust
        write_parquet(Table.from_batches(self._batches), buffer, max_row_group_size=GROUP)
        return buffer.getvalue()

    def _pack(self) -> None:
        if not self._rows and self._batches:
            return
        from arro3.core import Array, DataType, RecordBatch

        columns: dict[str, Any] = {}
        for name in self._fields:
            values = [row.get(name) for row in self._rows]
            if name in self._numbers:
                numbers = [math.nan if value is None else value for value in values]
                columns[name] = Array(numbers, type=DataType.float64())
            else:
                texts = ["" if value is None else str(value) for value in values]
                columns[name] = Array(texts, type=DataType.utf8())
        self._batches.append(RecordBatch.from_pydict(columns))
        self._rows = []


def _has_both_ends(path: Path) -> bool:
    """True if the file starts and ends as Parquet does: most others need no process."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < 12:
            return False
        file.seek(0)
        start = file.read(4)
        file.seek(-8, 2)
        footer = int.from_bytes(file.read(4), "little")
        return start == file.read(4) == MAGIC and footer <= size - 12


def _columns(path: str) -> dict[str, list[Any]]:
    """Read a file; called in a process of its own."""
    from arro3.io import read_parquet

    table = read_parquet(path).read_all()
    return {name: _plain(list(table[name].to_pylist())) for name in table.column_names}


def _plain(values: Sequence[Any]) -> list[Any]:
    kinds = (bool, int, float, str, type(None))
    return [value if isinstance(value, kinds) else str(value) for value in values]
