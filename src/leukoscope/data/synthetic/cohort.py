"""Synthetic cohorts laid out like C-NMC, for demos, tests and load tests without a download.

The cells are drawn, not photographed, but they have the pitfalls of the real data set: persons
differ in cell size, stain and focus; some have two or three subject ids in different folds; some
cells occur twice, as identical files or with another stain and focus. Subject ids begin with "S"
for ALL or "HS" for HEM, unlike all real ones, so a synthetic cell is recognized by its name.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukoscope.core.errors import RESEARCH_USE, CohortError
from leukoscope.core.files import atomic_folder
from leukoscope.core.progress import track
from leukoscope.core.renamed import current_names
from leukoscope.core.seeds import require_seed
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.data.synthetic.plan import PlannedCell, draw_planned, plan_cohort

TRUTH_FILE = "synthetic.json"
VERSION = 1

_README = f"""SYNTHETIC IMAGES - NOT REAL CELLS

Every image in this folder was drawn by a random generator (leukoscope.data.synthetic). None shows a
cell of a person, and nothing measured on them says anything about leukemia or about real images.
They imitate the layout and the traps of the C-NMC 2019 data set, so that software can be tried
without downloading it.

{TRUTH_FILE} holds the seed and the truth an audit should find: which subject ids are one person,
and which images show the same cell.

{RESEARCH_USE}
"""


@dataclass(frozen=True)
class Truth:
    """The persons and pairs that an audit of a synthetic cohort should find.

    Attributes:
        persons: Person of each subject id.
        identical: Pairs (first image, copy) of identical files.
        renormalized: Pairs (first image, copy) of the same cell with another stain and focus.
    """

    persons: Mapping[str, str]
    identical: tuple[tuple[str, str], ...]
    renormalized: tuple[tuple[str, str], ...]


def draw_cohort(
    out: Path | str,
    *,
    persons: int = 24,
    cells_per_person: int = 25,
    seed: int = 0,
) -> Cohort:
    """Draw a cohort and write it as an official C-NMC tree.

    Writes `fold_{0,1,2}/{all,hem}/UID_<subject>_<image>_<cell>_<all|hem>.bmp` (450 x 450, 24 bit),
    README.txt and synthetic.json. The folder appears only when it is complete; a folder with the
    same cohort is left unchanged.

    Args:
        out: Folder to create; it must be absent, empty, or contain the same cohort.
        persons: Number of persons, about 60 % of them ALL.
        cells_per_person: Number of images of each person, copies included.
        seed: Random seed, which determines every pixel.

    Returns:
        The cohort without an audit: `person` is the subject id.

    Raises:
        CohortError: There are too few persons or cells, the seed is out of range, or the folder has
            other content.
    """
    out = Path(os.path.abspath(out))  # the cohort may be written to any folder
    seed = require_seed(seed)
    if persons < 2 or cells_per_person < 1:
        raise CohortError(
            "A synthetic cohort needs 2 or more persons and 1 or more cells of each, got "
            f"{persons} and {cells_per_person}."
        )
    cells = plan_cohort(persons, cells_per_person, seed)
    settings = {"persons": persons, "cells_per_person": cells_per_person, "seed": seed}
    if not _already_there(out, settings, cells):
        _write(out, settings, cells, seed)
    table = {
        "path": [str(out / cell.path) for cell in cells],
        **{name: [getattr(c, name) for c in cells] for name in ("label", "subject", "fold")},
    }
    return make_cohort(
        table, source=f"{out} (synthetic)", notes=["Synthetic images, not real cells."]
    )


def read_truth(folder: Path | str) -> Truth:
    """Read the truth file of a synthetic cohort.

    Raises:
        CohortError: The folder has no valid truth file.
    """
    path = Path(folder) / TRUTH_FILE
    try:
        body = current_names(json.loads(path.read_text(encoding="utf-8")))
        pairs = {
            name: tuple((a, b) for a, b in body[name]) for name in ("identical", "renormalized")
        }
        return Truth(persons=dict(body["subject_is_person"]), **pairs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CohortError(
            f"{path}: not a valid truth file of a synthetic cohort ({error})."
        ) from error


def _already_there(out: Path, settings: Mapping[str, int], cells: list[PlannedCell]) -> bool:
    if not out.exists():
        return False
    if not out.is_dir():
        raise CohortError(f"{out}: a file; name a folder for the synthetic cohort.")
    if not any(out.iterdir()):
        return False
    try:
        body = json.loads((out / TRUTH_FILE).read_text(encoding="utf-8"))
        same = body["settings"] == settings and body["version"] == VERSION
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if same and all((out / cell.path).is_file() for cell in cells):
        return True
    raise CohortError(
        f"{out}: has other content than this synthetic cohort; name a new folder, or delete this "
        "one first."
    )


def _write(out: Path, settings: Mapping[str, int], cells: list[PlannedCell], seed: int) -> None:
    from PIL import Image

    with atomic_folder(out) as folder:
        for parent in {(folder / cell.path).parent for cell in cells}:
            parent.mkdir(parents=True)
        for cell in track(cells, "Drawing synthetic cells"):
            Image.fromarray(draw_planned(cell, seed)).save(folder / cell.path, format="BMP")
        (folder / "README.txt").write_text(_README, encoding="utf-8")
        text = json.dumps(_truth(settings, cells), indent=1) + "\n"
        (folder / TRUTH_FILE).write_text(text, encoding="utf-8")


def _truth(settings: Mapping[str, int], cells: list[PlannedCell]) -> dict[str, Any]:
    by_path = {cell.path: cell for cell in cells}
    pairs: dict[str, list[tuple[str, str]]] = {"identical": [], "renormalized": []}
    for cell in cells:
        if cell.copy_of:
            same = by_path[cell.copy_of].params == cell.params
            pairs["identical" if same else "renormalized"].append((cell.copy_of, cell.path))
    return {
        "synthetic": True,
        "notice": "Synthetic images drawn by a random generator, not real cells. " + RESEARCH_USE,
        "version": VERSION,
        "settings": dict(settings),
        "subject_is_person": {cell.subject: cell.person for cell in cells},
        **pairs,
    }
