"""Parquet through Arrow (arro3). Its reader aborts at some damaged files, so it runs isolated."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.isolated import IsolatedError, call_isolated

MAGIC = b"PAR1"


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
