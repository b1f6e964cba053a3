"""Write the shipped model's card and checklists into the documentation.

Run it after the shipped model was replaced; a test compares the pages with the model.
"""

import argparse
from pathlib import Path

import leukoscope as ls

DOCS = Path(__file__).parents[1] / "docs"


def write_pages(folder: Path) -> list[Path]:
    """Both pages, from the model file that ships with the package alone."""
    return [
        ls.model_card(out=folder / "model-card.md"),
        ls.model_checklist(out=folder / "checklist.md"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS, help="default: docs")
    print(*write_pages(parser.parse_args().folder), sep="\n")
