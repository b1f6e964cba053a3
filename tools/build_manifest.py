"""Pack the official C-NMC manifest: python tools/build_manifest.py MANIFEST.csv[.gz] [OUT.npz].

The CSV has the columns path, sha256 (hexadecimal) and bytes, a row for each official image.
"""

import csv
import gzip
import sys
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
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    default = Path(official.__file__).with_name("official_manifest.npz")
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else default)
