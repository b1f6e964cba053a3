"""Cross-validate classical recipes: every person is tested once, by a model that never saw them.

Each fold is a whole run of its own: settings chosen over its training persons, temperature and
operating point on its validation persons. Prints one table:

    python benchmarks/classical_folds.py audit/cohort.csv --recipes logistic svm --out runs

A fold that has been trained is not trained again. Answers come from the exported files; cells are
measured once for all.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import leukoscope as ls
from leukoscope.core.statistics import sigmoid
from leukoscope.data.cohort import Cohort
from leukoscope.data.hashing import hash_cells
from leukoscope.data.splits.partition import Split
from leukoscope.data.splits.splits import folds
from leukoscope.evaluation.metrics.bootstrap import bootstrap_metrics
from leukoscope.inference.model_file.model_file import load
from leukoscope.inference.verdict import threshold
from leukoscope.training.estimators.inputs import feature_matrix, file_inputs
from leukoscope.training.run import MODEL, Run, read_run

RANKED = {"auroc": "AUROC of all cells"}
CALLED = {
    "f1_weighted": "weighted F1",
    "balanced_accuracy": "balanced accuracy",
    "person_macro_balanced_accuracy": "person-macro balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}


def trained(cohort: Cohort, recipe: str, split: Split, seed: int, folder: Path) -> Run:
    if (folder / MODEL).is_file():
        return read_run(folder)
    return ls.train(cohort, recipe, out=folder, split=split, seed=seed)


def answers(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of the test cells, their calibrated probabilities, and which are called ALL."""
    model = load(run.model, threads=0)
    rows = np.flatnonzero(run.cohort["part"] == "test")
    tested = run.cohort.select(rows)
    inputs = file_inputs(tested, run.recipe, feature_matrix(tested, run.recipe).cells)
    parts = [model.run_inputs(inputs[at : at + 32]).logit for at in range(0, len(rows), 32)]
    p = sigmoid(np.concatenate(parts) / model.card.temperature)
    return rows, p, p >= threshold(model.card)


def line(cohort: Cohort, recipe: str, splits: list[Split], seed: int, out: Path) -> list[str]:
    label, person = cohort["label"], cohort["person"]
    p, called, each = np.full(len(cohort), np.nan), np.zeros(len(cohort)), []
    for number, split in enumerate(splits):
        run = trained(cohort, recipe, split, seed, out / f"{recipe}-{len(splits)}fold-{number}")
        rows, p[rows], called[rows] = answers(run)
        each.append(roc_auc_score(label[rows], p[rows]))
    ranked = bootstrap_metrics(label, p, person, threshold=0.5)
    calls = bootstrap_metrics(label, called, person, threshold=0.5)
    return [
        f"`{recipe}`",
        *(str(ranked[key]) for key in RANKED),
        f"{np.mean(each):.3f} ({min(each):.3f} to {max(each):.3f})",
        *(str(calls[key]) for key in CALLED),
    ]


def main() -> None:
    """Parse the command line, run what is missing, print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    parser.add_argument("--recipes", nargs="+", default=["logistic", "svm"])
    parser.add_argument("--folds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    options = parser.parse_args()

    cohort = hash_cells(ls.read_cohort(options.cohort))
    splits = folds(cohort, options.folds, options.seed)
    names = ["recipe", *RANKED.values(), "AUROC of a fold: mean (range)", *CALLED.values()]
    print("|", " | ".join(names), "|")
    print("|" + "---|" * len(names))
    for recipe in options.recipes:
        print(
            "|",
            " | ".join(line(cohort, recipe, splits, options.seed, options.out)),
            "|",
            flush=True,
        )


if __name__ == "__main__":
    main()
