"""A cohort that a tiny network learns in seconds, as arrays: blasts are larger, and redder."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from leukoscope.data.cohort import Cohort, make_cohort, write_cohort
from leukoscope.data.hashing import hash_cells
from leukoscope.data.splits.partition import Split
from leukoscope.models.recipe.recipe import NetworkRecipe

SIZE = 24
SCALE = 4  # of the image files
PERSONS = 6  # of each class
CELLS = 6  # of each person
PARTS = ("train", "train", "train", "train", "validation", "test")  # of a class's persons

SETTINGS = {
    "network.widths": [4, 8],
    "network.pooling": "gap",
    "input.crop": SIZE,
    "input.size": SIZE,
    "optimizer.learning_rate": 0.02,
    "fit.epochs": 4,
    "fit.batch_size": 8,
    "fit.patience": 100,
    "fit.precision": "fp32",
}
FILE_SETTINGS = SETTINGS | {"input.crop": SIZE * SCALE}


def tiny_recipe(**changes: Any) -> NetworkRecipe:
    """The recipe; `fit__epochs=2` sets fit.epochs."""
    own = {name.replace("__", "."): value for name, value in changes.items()}
    return NetworkRecipe("tiny").with_settings(SETTINGS | own)


def tiny_cohort(seed: int = 0) -> tuple[Cohort, np.ndarray]:
    """The table, with parts by person, and uint8 cells (N, S, S, 3)."""
    rng = np.random.default_rng(seed)
    persons = [(label, number) for label in (1, 0) for number in range(PERSONS)]
    owners = [person for person in persons for _ in range(CELLS)]
    cells = np.stack([_cell(label, rng) for label, _ in owners])
    cohort = make_cohort(
        {
            "path": [f"cell-{row}.bmp" for row in range(len(owners))],
            "label": [label for label, _ in owners],
            "subject": [f"{'' if label else 'H'}{number + 1}" for label, number in owners],
            "sha256": [f"{row:016x}{seed:048x}" for row in range(len(owners))],
            "part": [PARTS[number] for _, number in owners],
        },
        source="tiny cells",
    )
    return cohort, cells


def tiny_split(cohort: Cohort) -> Split:
    parts = dict(zip(cohort["person"], cohort["part"], strict=True))
    return Split("person", 0, "person", parts, leaky=False)


def write_cells(folder: Path, *, persons: int = 8, cells: int = 4, first: int = 1) -> Path:
    """The same as image files with an audited table, cohort.csv; the path of that.

    Args:
        folder: Where to.
        persons: Of each class; named S1, S2 ... and HS1, HS2 ..., as synthetic persons are.
        cells: Of each person.
        first: Number of the first person.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(first)
    table: dict[str, list[Any]] = {name: [] for name in ("path", "label", "subject", "cell")}
    for label in (1, 0):
        for number in range(first, first + persons):
            for cell in range(cells):
                name = f"{'' if label else 'H'}S{number}"
                path = folder / f"{name}-{cell}.png"
                image = _cell(label, rng).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
                Image.fromarray(image).save(path, compress_level=1)
                own = sha256(path.stem.encode()).hexdigest()[:16]  # as an audit writes it
                for column, value in zip(table, (path, label, name, own), strict=True):
                    table[column].append(value)
    write_cohort(hash_cells(make_cohort(table)), folder / "cohort.csv")
    return folder / "cohort.csv"


def _cell(label: int, rng: np.random.Generator) -> np.ndarray:
    cell = np.zeros((SIZE, SIZE, 3), np.uint8)
    rows, columns = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    inside = rows**2 + columns**2 < (6 + 3 * label + rng.uniform(-1, 1)) ** 2
    color = np.array([90 + 70 * label, 60, 130]) + rng.integers(-15, 15, 3)
    cell[inside] = color + rng.integers(-20, 20, (inside.sum(), 3))
    return cell
