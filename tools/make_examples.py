"""Draw the app's example cells.

The result is always the same: three cells of each of eight synthetic persons, four with ALL and
four healthy. Cells that the shipped model rejects, or predicts as the other class, are skipped: the
examples show the app, not the performance of the model, which was never trained on synthetic cells.
Run this again after a new model was shipped.
"""

import argparse
import json
import zlib
from collections import Counter
from pathlib import Path

from PIL import Image

from leukoscope.app.predicting.examples import FOLDER, LIST, Example
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.files import write_text
from leukoscope.core.verdicts import Verdict
from leukoscope.data.cnmc.cnmc import LABEL_NAMES
from leukoscope.data.synthetic.plan import PlannedCell, draw_planned, plan_cohort
from leukoscope.inference.model_file.model_file import default_model, load
from leukoscope.inference.predictor import Predictor

SEED = 6
PERSONS = ("S2", "S3", "S4", "S5", "HS1", "HS2", "HS3", "HS4")
CELLS = 3
FITTING = {"ALL": Verdict.BLAST, "HEM": Verdict.NORMAL}
NOTICE = (
    "Cells drawn by leukoscope.data.synthetic, not real ones, and chosen to show the app: they say "
    f"nothing about the performance of the model. {RESEARCH_USE}"
)


def planned() -> dict[Example, PlannedCell]:
    """The examples in their order, with the plan of each cell."""
    taken: Counter[str] = Counter()
    chosen = {}
    shipped = Predictor(load(default_model()))
    for cell in plan_cohort(persons=10, cells_per_person=40, seed=SEED):
        if cell.copy_of or cell.subject not in PERSONS or taken[cell.subject] == CELLS:
            continue
        (answer,) = shipped.predict_batch([draw_planned(cell, SEED)])
        if answer.verdict not in (Verdict.UNCERTAIN, FITTING[LABEL_NAMES[cell.label]]):
            continue
        taken[cell.subject] += 1
        name = Path(cell.path).with_suffix(".png").name
        chosen[Example(name, LABEL_NAMES[cell.label])] = cell
    return dict(sorted(chosen.items(), key=lambda pair: PERSONS.index(pair[1].subject)))


def main(folder: Path) -> None:
    """Draw and write the examples, and delete those of an earlier set."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted, size = planned(), 0
    for old in folder.glob("*.png"):
        if old.name not in {example.file for example in wanted}:
            old.unlink()
    for example, cell in wanted.items():
        target = folder / example.file
        Image.fromarray(draw_planned(cell, SEED)).save(
            target, compress_type=zlib.Z_RLE, compress_level=9
        )
        size += target.stat().st_size
    cells = [{"name": example.name, "label": example.label} for example in wanted]
    write_text(folder / LIST, json.dumps({"notice": NOTICE, "cells": cells}, indent=1) + "\n")
    print(f"{folder}: {len(cells)} cells, {size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    package = Path(str(FOLDER))
    parser.add_argument(
        "folder", nargs="?", type=Path, default=package, help="default: the package"
    )
    main(parser.parse_args().folder)
