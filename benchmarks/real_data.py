r"""Train and measure recipes on real cells, by person and by image, over several seeds.

Prints one table:

    python benchmarks/real_data.py audit/cohort.csv --recipes dense cnn cnn-gap --out runs

A run that has finished is not trained again, and an interrupted one continues; so the command
can be stopped at any time, and called once more to print the table alone. What differs from the
recipe, or in the shares of the parts, goes into a folder of its own:

    python benchmarks/real_data.py audit/cohort.csv --recipes inception_v3 --weights none \
        --fractions 0.7 0.15 0.15 --seeds 0 --set fit.epochs=3 --out claims
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import leukoscope as ls
from leukoscope.cli.train import parse_setting
from leukoscope.data.splits.splits import FRACTIONS
from leukoscope.evaluation.record import Evaluation
from leukoscope.evaluation.report.report import RECORD_NAME

SPLITS = ("person", "image")
COLUMNS = {
    "auroc": "AUROC",
    "f1_weighted": "weighted F1",
    "balanced_accuracy": "balanced accuracy",
    "person_macro_balanced_accuracy": "person-macro balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}


def measured(
    source: Path, recipe: str, split: str, seed: int, out: Path, options: Mapping[str, Any]
) -> Evaluation:
    """The evaluation of one run on its test part; trains and measures where that is to do.

    Args:
        source: The audited cohort.
        recipe: Its name.
        split: Kind of split.
        seed: Of split and training.
        out: Where run folders lie.
        options: Further ones of `leukoscope.train`.
    """
    folder = out / f"{recipe}-{split}-{seed}"
    record = folder / RECORD_NAME
    if record.is_file():
        return Evaluation.from_json(record.read_text("utf-8"))
    run = ls.train(source, recipe, out=folder, split=split, seed=seed, **options)
    return ls.evaluate(run)


def main() -> None:
    """Parse the command line, run what is missing, print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    parser.add_argument("--recipes", nargs="+", default=["dense", "cnn", "cnn-gap"])
    parser.add_argument("--splits", nargs="+", default=SPLITS, choices=SPLITS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--fractions", nargs=3, type=float, default=FRACTIONS)
    parser.add_argument("--weights", help="hub, none or a file, instead of the recipe's")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    options = parser.parse_args()
    further = {
        "fractions": options.fractions,
        "weights": options.weights,
        "settings": dict(map(parse_setting, options.set)),
    }

    print("| recipe | split | seed | test persons (ALL + HEM) |", " | ".join(COLUMNS.values()), "|")
    print("|" + "---|" * (4 + len(COLUMNS)))
    for recipe in options.recipes:
        for split in options.splits:
            for seed in options.seeds:
                result = measured(options.cohort, recipe, split, seed, options.out, further)
                persons = f"{result.person_count['ALL']} + {result.person_count['HEM']}"
                name = f"{split} (leaky)" if result.leaky else split
                figures = " | ".join(str(result.metrics[key]) for key in COLUMNS)
                print(f"| `{recipe}` | {name} | {seed} | {persons} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
