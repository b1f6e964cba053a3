"""Does adapting a model help on persons left out, if stain and camera differ?

    python benchmarks/adapt.py audit/cohort.csv [--recipe texture] [--most 40] [--seed 0]

A model is fitted on half of the persons. The cells of the other half get the stain of another
laboratory (see benchmarks/match_color.py), and the model is adapted to them: recalibrated only,
with weights, or as it decides by itself. Every figure is of persons left out; "before" is the
model as it was, for which they all are new.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from match_color import STAINS, stained

import leukoscope as ls
from leukoscope.data.cohort import Cohort
from leukoscope.data.hashing import hash_cells
from leukoscope.data.imaging.image import decode
from leukoscope.data.splits.splits import split_cohort
from leukoscope.training.adaptation.adapt import adapt_model

METRICS = ("auroc", "balanced_accuracy", "nll", "persons_auroc")
WAYS = {"recalibrated": False, "with weights": True, "as it decides": None}


def at_most(cohort: Cohort, most: int, seed: int) -> Cohort:
    """So many cells of each person, drawn at random."""
    rng, rows = np.random.default_rng(seed), []
    for person in cohort.unique("person"):
        rows.append(rng.permutation(np.flatnonzero(cohort["person"] == person))[:most])
    return cohort.select(np.sort(np.concatenate(rows)))


def with_stain(cohort: Cohort, folder: Path, name: str) -> Cohort:
    """The cells with another stain, as files of their own."""
    gain, cast = STAINS[name]
    paths = [folder / f"{number}.bmp" for number in range(len(cohort))]
    for path, source in zip(paths, cohort.paths, strict=True):
        cv2.imwrite(str(path), stained(decode(source), gain, cast)[..., ::-1])
    changed = cohort.with_columns(path=np.array([str(path) for path in paths], dtype=object))
    return hash_cells(changed)


def main() -> None:
    """Print a row for each stain and way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--recipe", default="texture")
    parser.add_argument("--most", type=int, default=40, help="cells of each person")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    whole = at_most(ls.read_cohort(args.cohort), args.most, args.seed)
    parts = split_cohort(whole, "person", seed=args.seed, fractions=(0.5, 0, 0.5)).parts
    first = np.array([parts[person] == "train" for person in whole["person"]])
    print("| stain | model | AUROC | balanced accuracy | log loss | AUROC of persons | answered |")
    print("|---|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = ls.release(whole.select(first), args.recipe, out=folder / "model.onnx").path
        for name in STAINS:
            cells = with_stain(whole.select(~first), folder, name)
            for number, (way, refit) in enumerate(WAYS.items()):
                result = adapt_model(model, cells, folder / "adapted.onnx", refit=refit)
                if not number:
                    row(name, "before", result.before, "")
                after = result.results.metrics
                row(name, way, after, f"{after['answered'].value:.2f}")


def row(stain: str, way: str, metrics: dict, answered: str) -> None:
    """Print one row."""
    values = " | ".join(f"{metrics[key].value:.3f}" for key in METRICS)
    print(f"| {stain} | {way} | {values} | {answered} |", flush=True)


if __name__ == "__main__":
    main()
