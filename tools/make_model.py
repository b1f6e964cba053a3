"""Train the model that ships with the package, on all persons of an audited cohort.

    python tools/make_model.py audit/cohort.csv --out src/leukoscope/inference/default.onnx

Prints what a cross-validation over persons gives, as a table; the same stands in the file's card.
"""

import argparse
from pathlib import Path

import leukoscope as ls
from leukoscope.data.cohort import hash_cells
from leukoscope.evaluation.metrics import METRICS
from leukoscope.models.recipe import read_recipe
from leukoscope.training.everyone import run_everyone


def main() -> None:
    """Parse the command line, train, print the figures as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--folds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    cohort = hash_cells(ls.read_cohort(options.cohort))
    recipe = read_recipe(options.recipe)
    card, figures = run_everyone(
        cohort, recipe, options.out, folds=options.folds, seed=options.seed
    )
    point = card.operating_point
    assert point is not None  # every model that is trained here has one
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")
    print(f"temperature {card.temperature:.3f}, blast from {point.threshold:.4f}\n")
    print("| figure | on persons left out, 95 % interval |\n|---|---|")
    for metric in METRICS:
        print(f"| {metric.title} | {figures[metric.key]} |")


if __name__ == "__main__":
    main()
