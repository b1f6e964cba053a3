"""Train the model that ships with the package, on all persons of an audited cohort.

    python tools/make_model.py audit/cohort.csv --out src/leukoscope/inference/default.onnx

Prints what a cross-validation over persons gives, as a table; the same stands in the file's card.
`--answers` writes what was said of each cell there, by a model that had not seen its person.
"""

import argparse
from pathlib import Path

import numpy as np

import leukoscope as ls
from leukoscope.data.cohort import hash_cells, write_cohort
from leukoscope.evaluation.calibration import sigmoid
from leukoscope.evaluation.metrics import METRICS
from leukoscope.inference.triage import called, possible, threshold
from leukoscope.models.recipe import read_recipe
from leukoscope.training.everyone import Shipped, run_everyone


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
    parser.add_argument("--answers", type=Path, help="a table (.csv) to write")
    options = parser.parse_args()

    cohort = hash_cells(ls.read_cohort(options.cohort))
    recipe = read_recipe(options.recipe)
    made = run_everyone(cohort, recipe, options.out, folds=options.folds, seed=options.seed)
    if options.answers:
        said = made.answers
        told = {"fold": said.fold, "logit": said.logit, "p_all": said.p, "called": said.called}
        write_cohort(made.cohort.with_columns(**told), options.answers)
    point = made.card.operating_point
    assert point is not None  # every model that is trained here has one
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")
    print(f"temperature {made.card.temperature:.3f}, blast from {point.threshold:.4f}\n")
    print("| figure | on persons left out, 95 % interval |\n|---|---|")
    for metric in METRICS:
        print(f"| {metric.title} | {made.figures[metric.key]} |")
    print(f"\n{verdicts(made)}")


def verdicts(made: Shipped) -> str:
    """How often the limits of the file leave an answer for cells of persons left out."""
    label = made.cohort["label"]
    probability = sigmoid(made.answers.logit / made.card.temperature)
    at, limits = threshold(made.card), possible(made.card)
    said = np.array([str(called(p, at, limits).verdict) for p in probability])
    shares = [
        f"of {name} cells {np.mean(said[label == value] == 'blast'):.1%} are called blasts and "
        f"{np.mean(said[label == value] == 'normal'):.1%} normal"
        for value, name in ((1, "ALL"), (0, "HEM"))
    ]
    return "; ".join(shares)


if __name__ == "__main__":
    main()
