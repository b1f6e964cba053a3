"""The rows of a part: computed, written into a file, and read back with a check."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from leukoscope.core.json_files import escape_surrogates, finite
from leukoscope.core.parquet import ParquetRows
from leukoscope.inference.bulk.plan import Item, Part
from leukoscope.inference.results import FIELDS, NUMBERS, Prediction, printable, summary_row
from leukoscope.inference.subject.copies import PIXELS

Rows = list[dict[str, Any]]


def part_row(item: Item, prediction: Prediction, model: str) -> dict[str, Any]:
    """The row of one image, with the absolute path or URL by which it can be found again."""
    return summary_row(replace(prediction, name=item.name, subject=item.source.subject), model)


def as_json_lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as the lines of a file."""
    lines = (escape_surrogates(json.dumps(finite(row), ensure_ascii=False)) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def from_json_lines(content: bytes) -> Rows:
    """Rows from `as_json_lines`.

    Raises:
        ValueError: The file is damaged.
    """
    return [json.loads(line) for line in content.split(b"\n") if line]


def as_parquet(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as a Parquet file, with the same types in each part."""
    table = ParquetRows((*FIELDS, PIXELS), NUMBERS)
    for row in rows:
        table.add(finite(row))
    return table.content()


def from_parquet(content: bytes) -> Rows:
    """Rows from `as_parquet`, with None for unknown numbers.

    Raises:
        ValueError: The file is damaged.
    """
    from pyarrow import ArrowException, BufferReader
    from pyarrow.parquet import read_table

    try:
        rows: Rows = read_table(BufferReader(content)).to_pylist()
    except (ArrowException, OSError) as error:
        raise ValueError(f"a damaged part ({error})") from error
    return [finite(row) for row in rows]


def belong(rows: Sequence[dict[str, Any]], part: Part) -> bool:
    """True if the rows are those of the part's images, in order and complete."""
    names, fields = [printable(item.name) for item in part.items], set(FIELDS)
    # Parts of earlier versions have no hash of pixels.
    return all(isinstance(row, dict) and set(row) - {PIXELS} == fields for row in rows) and (
        names == [row["path"] for row in rows]
    )
