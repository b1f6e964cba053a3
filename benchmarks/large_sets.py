"""Measure what a large prediction costs per image, stage by stage, in processor time.

Processor time hardly depends on what else the machine does. Run from the repository root:
python -m benchmarks.large_sets DIR [--cells 300]
"""

import argparse
import itertools
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leukoscope.core.tables import write_table
from leukoscope.data.imaging.image import read_bytes
from leukoscope.inference.bulk.listing import list_items
from leukoscope.inference.bulk.part_rows import as_parquet, from_parquet, part_row
from leukoscope.inference.bulk.plan import Job, Part, cut
from leukoscope.inference.bulk.reading import stamped
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.reading import read_image
from leukoscope.inference.summary import summarize

LISTED = 100_000


def main() -> None:
    """Print one row for each stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--cells", type=int, default=300)
    options = parser.parse_args()
    items = list(itertools.islice(list_items([str(options.directory)]), options.cells))
    predictor = Predictor(threads=1)
    row("open the model, once per worker", 1, lambda: Predictor(threads=1))
    contents = row("read", len(items), lambda: [read_bytes(i.source.path) for i in items])
    size = sum(map(len, contents)) / len(items)
    row(
        "decode, crop, check", len(items), lambda: [read_image(c, predictor.card) for c in contents]
    )
    found = row("all of the prediction", len(items), lambda: list(predictor.stream(contents)))
    rows = [part_row(i, p, predictor.card.name) for i, p in zip(items, found, strict=True)]
    part = row("write a part", len(items), lambda: as_parquet(rows))
    row("read a part again", len(items), lambda: from_parquet(part))
    row("sum up in the driver", len(items), lambda: summarize(rows, predictor.card.subjects))
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "list.parquet"
        names = [f"/mnt/cells/{n // 1000:06d}/UID_{n % 977}_{n}_1_all.bmp" for n in range(LISTED)]
        write_table(table, {"path": names})
        plan = row("list in the driver", LISTED, lambda: list(cut(list_items([str(table)]), 4096)))
    row("look at the file", len(items), lambda: list(stamped(items)))
    named = Part(0, tuple(stamped(items)))
    row("name a part", len(items), lambda: named.stem(Job("0" * 64, 4096)))
    print(f"\nbytes of an image {size:,.0f}; of a row {len(part) / len(rows):,.0f}; of the plan of")
    print(f"an image {sum(len(pickle.dumps(p)) for p in plan) / LISTED:,.0f}")


def row(name: str, count: int, function: Callable[[], Any]) -> Any:
    """Run a stage and print its processor time per image."""
    start = time.process_time()
    result = function()
    print(f"{name:<34}{1e3 * (time.process_time() - start) / count:>10.3f} ms", flush=True)
    return result


if __name__ == "__main__":
    main()
