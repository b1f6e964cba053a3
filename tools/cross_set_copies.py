"""Find training images of C-NMC 2019 in its two test sets, with the training set alone at hand.

Prints a line per copy, and their number.
"""

import argparse
from pathlib import Path

from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.data.cnmc.recognize import official_pictures
from leukoscope.data.imaging.image import decode


def main(folder: Path) -> None:
    """Compare every training image below a folder."""
    found = 0
    for path in sorted(folder.rglob("UID_*.bmp")):
        if parse_name(path.name):
            for copy in official_pictures(decode(path)):
                if copy.name != path.name:
                    print(f"{path.name} is {copy.path}")
                    found += 1
    print(f"{found} copies")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds official training images")
    main(parser.parse_args().folder)
