"""Train the model that ships with the package, on all persons of an audited cohort.

    python tools/make_model.py audit/cohort.csv --out src/leukoscope/inference/default.onnx

Prints what a cross-validation over persons gives, as a table; the same stands in the file's card.
`--answers` writes what was said of each cell there, by a model that had not seen its person, and
`--figures` the pictures of it that the documentation shows.
"""

import argparse
from pathlib import Path

import numpy as np

import leukoscope as ls
from leukoscope.core.console_log import log_to_stderr
from leukoscope.core.verdicts import FROM_PROBABILITY, Verdict
from leukoscope.data.cohort import hash_cells, write_cohort
from leukoscope.evaluation.metrics.calibration import (
    expected_calibration_error,
    person_weights,
    sigmoid,
)
from leukoscope.evaluation.metrics.metrics import CARD_METRICS
from leukoscope.modelcard.blocks import markdown_table
from leukoscope.modelcard.page import person_table
from leukoscope.models.recipe.recipe import EstimatorRecipe, read_recipe
from leukoscope.training.release.final_fit import ReleasedModel, fit_release_model
from leukoscope.training.release.plots import write_pictures

SAID = (*sorted(FROM_PROBABILITY), Verdict.NOT_A_CELL)


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
    parser.add_argument("--figures", type=Path, help="a folder for pictures")
    options = parser.parse_args()

    cohort = hash_cells(ls.read_cohort(options.cohort))
    recipe = read_recipe(options.recipe)
    assert isinstance(recipe, EstimatorRecipe), f"{recipe.name} trains a network"
    with log_to_stderr():
        made = fit_release_model(
            cohort, recipe, options.out, folds=options.folds, seed=options.seed
        )
    if options.answers:
        said = made.answers
        told = {
            "fold": said.fold,
            "logit": said.logit,
            "p_all": said.p,
            "called": said.called,
            "covered": said.covered,
            "verdict": said.verdict,
        }
        write_cohort(made.cohort.with_columns(**told), options.answers)
    if options.figures:
        write_pictures(made, options.figures)
    point = made.card.operating_point
    assert point is not None  # every model that is trained here has one
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")
    print(f"temperature {made.card.temperature:.3f}, blast from {point.threshold:.4f}\n")
    print("| figure | on persons left out, 95 % interval |\n|---|---|")
    for metric in CARD_METRICS:
        print(f"| {metric.title} | {made.figures[metric.key]} |")
    print(
        f"\n{markdown_table(person_table(made.card.left_out))}\n\n{verdicts(made)}\n{calibration(made)}"
    )


def verdicts(made: ReleasedModel) -> str:
    """How often cells of persons left out got which answer, by limits set on other persons."""
    label, said = made.cohort["label"], made.answers.verdict
    return "; ".join(
        f"of {name} cells "
        + ", ".join(f"{np.mean(said[label == value] == one):.1%} {one}" for one in SAID)
        for value, name in ((1, "ALL"), (0, "HEM"))
    )


def calibration(made: ReleasedModel) -> str:
    """The calibration error where each person weighs the same, as for the temperature."""
    label, said = made.cohort["label"], made.answers
    weight = person_weights(made.cohort["person"].astype(str))
    before, after = (
        expected_calibration_error(label, p, weight=weight) for p in (sigmoid(said.logit), said.p)
    )
    return (
        "calibration error with persons weighing the same: "
        f"{before:.3f} without temperature, {after:.3f} with it"
    )


if __name__ == "__main__":
    main()
