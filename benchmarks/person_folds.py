"""Compare settings of classical recipes by repeated cross-validation over persons.

Every person is tested once in each repeat, by a model that never saw them; the folds of a repeat
are drawn anew. Settings that are lists are chosen inside each fold. Prints a table, and with
`--errors` where one candidate goes wrong: person by person, and by size within each class.

    python benchmarks/person_folds.py audit/cohort.csv --out folds
    python benchmarks/person_folds.py audit/cohort.csv --out folds --only kernel --errors

`--most` takes that many cells of a person at most: fits are faster, and no person outweighs
another. Answers are kept in `--out`, so what has been answered is not fitted again. The rule that
compares candidates: the mean over all folds of half of (AUROC + person-macro balanced accuracy
where both classes weigh the same). Its standard error takes the folds of one repeat for
independent.
"""

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

import leukoscope as ls
from leukoscope.core.statistics import sigmoid
from leukoscope.data.cohort import Cohort, hash_cells
from leukoscope.data.descriptors import NAMES
from leukoscope.data.imaging.image import Crop
from leukoscope.evaluation.metrics.metrics import (
    all_metrics,
)
from leukoscope.models.estimators.base import Estimator
from leukoscope.models.recipe.recipe import read_estimator, read_recipe
from leukoscope.models.recipe.settings import WHOLE_FRAME
from leukoscope.training.cache import cached_descriptors
from leukoscope.training.estimators.grid_search import choose, person_folds
from leukoscope.training.estimators.inputs import feature_matrix
from leukoscope.training.network.sampling import even_weights

RECALL = 0.95
LARGE = 27000  # px², the median area from which on a healthy person's cells count as large
FIGURES = {
    "auroc": "AUROC",
    "f1_weighted": "weighted F1",
    "balanced_accuracy": "bal. acc.",
    "macro": "person-macro bal. acc.",
    "healthy": f"healthy recall at ALL recall {RECALL}",
}
HEADS = [
    "candidate",
    "rule (s.e.)",
    "worst fold",
    *FIGURES.values(),
    "large-celled healthy persons",
    "worst person",
    "rule less that of the best (s.e.)",
]


def thinned(person: np.ndarray, most: int) -> np.ndarray:
    """Rows of at most so many cells of each person, drawn at random and always the same."""
    random = np.random.default_rng(5)
    own = [np.flatnonzero(person == who) for who in np.unique(person.astype(str))]
    return np.sort(np.concatenate([random.permutation(rows)[:most] for rows in own]))


def given(cohort: Cohort, own: Estimator, rows: np.ndarray) -> np.ndarray:
    """What an estimator is given of some rows, by the crop of the recipe that bears its name."""
    recipe = replace(read_recipe(own.estimator), classical=own)
    return np.asarray(feature_matrix(cohort, recipe).cells)[rows]


def areas(cohort: Cohort) -> np.ndarray:
    """Of each cell (N,), in original pixels."""
    measured = cached_descriptors(cohort, Crop(WHOLE_FRAME.crop, WHOLE_FRAME.size)).cells
    return np.asarray(np.exp(measured[:, NAMES.index("ln_area")]))


def answers(cohort: Cohort, values: np.ndarray, own: Estimator, fold: np.ndarray) -> np.ndarray:
    """Log-odds of each cell (N,) by the model of the fold that left its person out."""
    label = cohort["label"].astype(np.int64)
    found = np.full(len(cohort), np.nan)
    for number in range(int(fold.max()) + 1):
        rows, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        inside, given = cohort.select(rows), values[rows]
        weights = even_weights(label[rows], inside["person"], own.balance)
        chosen = choose(own, inside, given, weights, seed=number).chosen
        fitted = own.fit(chosen, given, label[rows], weights, seed=number)
        found[out] = fitted.logit(values[out])
    return found


def kept(
    whole: Cohort, rows: np.ndarray, own: Estimator, folds: list[np.ndarray], out: Path
) -> np.ndarray:
    """Answers of all repeats (R, N) for N rows, from `out` where they are there."""
    cohort = whole.select(rows)
    key = json.dumps([repr(own), [fold.tolist() for fold in folds], cohort["sha256"].tolist()])
    path = out / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not path.is_file():
        out.mkdir(parents=True, exist_ok=True)
        values = given(whole, own, rows)
        np.save(path, np.stack([answers(cohort, values, own, fold) for fold in folds]))
    return np.asarray(np.load(path))


def ruled(cohort: Cohort, logit: np.ndarray, folds: list[np.ndarray]) -> np.ndarray:
    """What the rule says of each fold, (R, K)."""
    label, person = cohort["label"], cohort["person"]

    def one(row: np.ndarray, z: np.ndarray) -> float:
        found = all_metrics(label[row], sigmoid(z[row]), person[row], 0.5)
        return (found["auroc"] + found["person_macro_balanced_accuracy"]) / 2

    return np.array(
        [
            [one(np.flatnonzero(fold == number), z) for number in range(int(fold.max()) + 1)]
            for fold, z in zip(folds, logit, strict=True)
        ]
    )


def pooled(cohort: Cohort, z: np.ndarray) -> dict[str, float]:
    """The figures of one repeat, all cells together."""
    label, person, p = cohort["label"], cohort["person"], sigmoid(z)
    found = all_metrics(label, p, person, 0.5)
    low = np.quantile(z[label == 1], 1 - RECALL)
    return {
        "auroc": found["auroc"],
        "f1_weighted": found["f1_weighted"],
        "balanced_accuracy": found["balanced_accuracy"],
        "macro": found["person_macro_balanced_accuracy"],
        "healthy": float(np.mean(z[label == 0] < low)),
    }


def recalls(cohort: Cohort, logit: np.ndarray) -> dict[str, float]:
    """The share of each person's cells that is called rightly, over all repeats."""
    right = (logit >= 0) == (cohort["label"] == 1)
    return {who: float(right[:, cohort["person"] == who].mean()) for who in cohort.unique("person")}


def line(
    name: str, cohort: Cohort, logit: np.ndarray, rule: np.ndarray, area: np.ndarray
) -> list[str]:
    figures = [pooled(cohort, z) for z in logit]
    recall = recalls(cohort, logit)
    worst = min(recall, key=lambda who: recall[who])
    large = [
        recall[who]
        for who in cohort.unique("person")
        if cohort["label"][cohort["person"] == who][0] == 0
        and np.median(area[cohort["person"] == who]) > LARGE
    ]
    each = [np.array([one[key] for one in figures]) for key in FIGURES]
    return [
        name,
        f"{rule.mean():.3f} ({rule.mean(axis=0).std(ddof=1) / rule.shape[1] ** 0.5:.3f})",
        f"{rule.min():.3f}",
        f"{each[0].mean():.3f} ± {each[0].std():.3f}",
        *(f"{values.mean():.3f}" for values in each[1:]),
        f"{np.mean(large):.2f}",
        f"{worst}: {recall[worst]:.2f}",
    ]


def gain(rule: np.ndarray, base: np.ndarray) -> str:
    """By how much the rule prefers one to another, fold by fold, with its standard error."""
    more = (rule - base).mean(axis=0)
    return f"{more.mean():+.3f} ({more.std(ddof=1) / len(more) ** 0.5:.3f})"


def errors(cohort: Cohort, logit: np.ndarray, area: np.ndarray) -> list[list[str]]:
    """Person by person: cells, median area, share called rightly, AUROC against the other class.

    Then how the answer follows the size among the cells of one class.
    """
    z, label, person = logit.mean(axis=0), cohort["label"], cohort["person"]
    rows = []
    for who, recall in sorted(recalls(cohort, logit).items(), key=lambda item: item[1]):
        own = person == who
        against = own | (label != label[own][0])
        auroc = all_metrics(label[against], sigmoid(z[against]), person[against], 0.5)["auroc"]
        kind = "ALL" if label[own][0] == 1 else "HEM"
        median = f"{np.median(area[own]):.0f}"
        rows.append([who, kind, str(own.sum()), median, f"{recall:.2f}", f"{auroc:.2f}"])
    for value, kind in ((1, "ALL"), (0, "HEM")):
        ranks = [np.argsort(np.argsort(x[label == value])) for x in (z, area)]
        rows.append(["rank correlation with area", kind, "", "", "", ""])
        rows[-1][4] = f"{np.corrcoef(*ranks)[0, 1]:.2f}"
    return rows


def table(names: list[str], rows: list[list[str]]) -> None:
    """Print rows as Markdown."""
    print("|", " | ".join(names), "|")
    print("|" + "---|" * len(names))
    for row in rows:
        print("|", " | ".join(row), "|", flush=True)


def main() -> None:
    """Parse the command line, answer what is missing, print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    beside = Path(__file__).with_name("candidates.yaml")
    parser.add_argument("--candidates", type=Path, default=beside)
    parser.add_argument("--only", nargs="+", help="names of candidates")
    parser.add_argument("--folds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--most", type=int, default=10**9, help="cells of a person")
    parser.add_argument("--errors", action="store_true", help="show them person by person")
    parser.add_argument("--out", type=Path, default=Path("folds"))
    options = parser.parse_args()

    whole = hash_cells(ls.read_cohort(options.cohort))
    rows = thinned(whole["person"], options.most)
    cohort, area = whole.select(rows), areas(whole)[rows]
    folds = [person_folds(cohort, options.folds, seed) for seed in range(options.repeats)]
    trees = yaml.safe_load(options.candidates.read_text("utf-8"))
    chosen = {name: read_estimator(trees[name], name) for name in options.only or trees}
    said = {name: kept(whole, rows, own, folds, options.out) for name, own in chosen.items()}
    if options.errors:
        for name, logit in said.items():
            print(f"\n{name}\n")
            heads = ["person", "class", "cells", "median area", "rightly called", "AUROC"]
            table(heads, errors(cohort, logit, area))
        return
    rules = {name: ruled(cohort, logit, folds) for name, logit in said.items()}
    best = max(rules.values(), key=np.mean)
    table(
        HEADS,
        [
            [*line(name, cohort, logit, rules[name], area), gain(rules[name], best)]
            for name, logit in said.items()
        ],
    )


if __name__ == "__main__":
    main()
