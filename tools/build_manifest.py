"""Pack the official C-NMC manifest.

The CSV has the columns path, sha256 (hexadecimal) and bytes, a row for each official image.
"""

import argparse
import csv
import gzip
from pathlib import Path

from leukoscope.data.cnmc import official


def main(source: Path, target: Path) -> None:
    """Read the CSV and write the packed manifest."""
    opened = gzip.open if source.suffix == ".gz" else open
    with opened(source, "rt", encoding="utf-8", newline="") as stream:
        images = [
            official.OfficialImage(
                row["path"],
                int(row["bytes"]),
                bytes.fromhex(row["sha256"])[: official.DIGEST_BYTES],
            )
            for row in csv.DictReader(stream)
        ]
    official.pack_manifest(images, target)
    print(f"{target}: {len(images):,} images, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    package = Path(official.__file__).with_name("official_manifest.npz")
    parser.add_argument("source", type=Path, help="MANIFEST.csv or MANIFEST.csv.gz")
    parser.add_argument(
        "target", nargs="?", type=Path, default=package, help="default: the package"
    )
    arguments = parser.parse_args()
    main(arguments.source, arguments.target)
