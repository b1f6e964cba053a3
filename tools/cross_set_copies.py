"""Find training images of C-NMC 2019 in its two test sets, with the training set alone at hand.

    python tools/cross_set_copies.py DIR

DIR holds official training images. Prints a line per copy, and their number.
"""

import sys
from pathlib import Path

from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.data.cnmc.recognize import official_pictures
from leukoscope.data.imaging.image import decode


def main() -> None:
    """Compare every training image below a folder."""
    found = 0
    for path in sorted(Path(sys.argv[1]).rglob("UID_*.bmp")):
        if parse_name(path.name):
            for copy in official_pictures(decode(path)):
                if copy.name != path.name:
                    print(f"{path.name} is {copy.path}")
                    found += 1
    print(f"{found} copies")


if __name__ == "__main__":
    main()
