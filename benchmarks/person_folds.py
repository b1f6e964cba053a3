"""Compare settings of classical recipes by repeated cross-validation over persons.

Every person is tested once in each repeat, by a model that has not seen that person; each repeat
draws new folds. Settings that are lists are chosen inside each fold. Prints a table, and with
`--errors` the errors of one candidate: person by person, and by size within each class.

    python benchmarks/person_folds.py audit/cohort.csv --out folds
    python benchmarks/person_folds.py audit/cohort.csv --out folds --only kernel --errors

`--most` limits the cells of a person: fits are faster, and no person outweighs another. Predictions
are cached in `--out` and not computed again. The rule that ranks candidates: the mean over all
folds of half of (AUROC + person-macro balanced accuracy, with equal weight for both classes). Its
standard error treats the folds of one repeat as independent.
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
from leukoscope.data.cohort import Cohort
from leukoscope.data.descriptors import NAMES
from leukoscope.data.hashing import hash_cells
from leukoscope.data.imaging.image import Crop
from leukoscope.evaluation.metrics.metrics import all_metrics
from leukoscope.models.estimators.base import Estimator
from leukoscope.models.recipe.recipe import read_estimator, read_recipe
from leukoscope.models.recipe.settings import WHOLE_FRAME
from leukoscope.training.cache import cached_descriptors
from leukoscope.training.estimators.grid_search import choose, person_folds
from leukoscope.training.estimators.inputs import feature_matrix
from leukoscope.training.network.sampling import even_weights

RECALL = 0.95
LARGE = 27000  # px², the median area from which on a healthy person's cells count as large
METRICS = {
    "auroc": "AUROC",
    "f1_weighted": "weighted F1",
    "balanced_accuracy": "bal. acc.",
    "macro": "person-macro bal. acc.",
    "healthy": f"healthy recall at ALL recall {RECALL}",
    "persons": "AUROC of persons",
    "context": "AUROC in context",
    "context_f1": "weighted F1 in context",
}
HEADS = [
    "candidate",
    "rule (s.e.)",
    "worst fold",
    *METRICS.values(),
    "large-celled healthy persons",
    "worst person",
    "rule minus best (s.e.)",
]


def subsampled(person: np.ndarray, most: int) -> np.ndarray:
    """Rows of at most so many cells of each person, drawn with a fixed seed."""
    random = np.random.default_rng(5)
    by_person = [np.flatnonzero(person == name) for name in np.unique(person.astype(str))]
    return np.sort(np.concatenate([random.permutation(rows)[:most] for rows in by_person]))


def inputs(cohort: Cohort, estimator: Estimator, rows: np.ndarray) -> np.ndarray:
    """Inputs of an estimator for some rows, with the crop of the recipe of its name."""
    recipe = replace(read_recipe(estimator.estimator), classical=estimator)
    return np.asarray(feature_matrix(cohort, recipe).cells)[rows]


def areas(cohort: Cohort) -> np.ndarray:
    """The area of each cell (N,), in original pixels."""
    measured = cached_descriptors(cohort, Crop(WHOLE_FRAME.crop, WHOLE_FRAME.size)).cells
    return np.asarray(np.exp(measured[:, NAMES.index("ln_area")]))


def cross_val_logits(
    cohort: Cohort, values: np.ndarray, estimator: Estimator, fold: np.ndarray
) -> np.ndarray:
    """Out-of-fold log-odds of each cell (N,)."""
    label = cohort["label"].astype(np.int64)
    logit = np.full(len(cohort), np.nan)
    for number in range(int(fold.max()) + 1):
        others, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        fitting = cohort.select(others)
        weights = even_weights(label[others], fitting["person"], estimator.balance)
        chosen = choose(estimator, fitting, values[others], weights, seed=number).chosen
        person = fitting["person"]
        fitted = estimator.fit(
            chosen, values[others], label[others], weights, person=person, seed=number
        )
        logit[held_out] = fitted.logit(values[held_out])
    return logit


def cached_logits(
    whole: Cohort, rows: np.ndarray, estimator: Estimator, folds: list[np.ndarray], out: Path
) -> np.ndarray:
    """Out-of-fold log-odds of all repeats (R, N) for N rows, cached in `out`."""
    cohort = whole.select(rows)
    key = json.dumps(
        [repr(estimator), [fold.tolist() for fold in folds], cohort["sha256"].tolist()]
    )
    path = out / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not path.is_file():
        out.mkdir(parents=True, exist_ok=True)
        values = inputs(whole, estimator, rows)
        logits = [cross_val_logits(cohort, values, estimator, fold) for fold in folds]
        np.save(path, np.stack(logits))
    return np.asarray(np.load(path))


def scores(cohort: Cohort, logit: np.ndarray, folds: list[np.ndarray]) -> np.ndarray:
    """The score of each fold, (R, K)."""
    label, person = cohort["label"], cohort["person"]

    def score(row: np.ndarray, z: np.ndarray) -> float:
        metrics = all_metrics(label[row], sigmoid(z[row]), person[row], 0.5)
        return (metrics["auroc"] + metrics["person_macro_balanced_accuracy"]) / 2

    return np.array(
        [
            [score(np.flatnonzero(fold == number), z) for number in range(int(fold.max()) + 1)]
            for fold, z in zip(folds, logit, strict=True)
        ]
    )


def pooled(cohort: Cohort, z: np.ndarray) -> dict[str, float]:
    """The metrics of one repeat, over all cells."""
    label, person, p = cohort["label"], cohort["person"], sigmoid(z)
    metrics = all_metrics(label, p, person, 0.5)
    low = np.quantile(z[label == 1], 1 - RECALL)
    context = all_metrics(label, sigmoid(in_context(z, person)), person, 0.5)
    return {
        "auroc": metrics["auroc"],
        "f1_weighted": metrics["f1_weighted"],
        "balanced_accuracy": metrics["balanced_accuracy"],
        "macro": metrics["person_macro_balanced_accuracy"],
        "healthy": float(np.mean(z[label == 0] < low)),
        "persons": auroc_of_persons(z, label, person),
        "context": context["auroc"],
        "context_f1": context["f1_weighted"],
    }


def auroc_of_persons(z: np.ndarray, label: np.ndarray, person: np.ndarray) -> float:
    """How well the mean log-odds of their cells (N,) ranks the persons of two classes."""
    names = np.unique(person.astype(str))
    mean = np.array([z[person == name].mean() for name in names])
    blasts = np.array([label[person == name][0] == 1 for name in names])
    differences = mean[blasts][:, None] - mean[~blasts][None]
    return float(np.mean((differences > 0) + 0.5 * (differences == 0)))


def in_context(z: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Half the log-odds of a cell (N,), half the mean of the other cells of its person."""
    context = z.copy()
    for name in np.unique(person.astype(str)):
        rows = np.flatnonzero(person == name)
        if len(rows) > 1:
            others = (z[rows].sum() - z[rows]) / (len(rows) - 1)
            context[rows] = (z[rows] + others) / 2
    return context


def recalls(cohort: Cohort, logit: np.ndarray) -> dict[str, float]:
    """The fraction of each person's cells that is classified correctly, over all repeats."""
    correct = (logit >= 0) == (cohort["label"] == 1)
    person = cohort["person"]
    return {name: float(correct[:, person == name].mean()) for name in cohort.unique("person")}


def line(
    name: str, cohort: Cohort, logit: np.ndarray, score: np.ndarray, area: np.ndarray
) -> list[str]:
    """A line of the table."""
    repeats = [pooled(cohort, z) for z in logit]
    recall = recalls(cohort, logit)
    worst = min(recall, key=lambda person: recall[person])
    large = [
        recall[person]
        for person in cohort.unique("person")
        if cohort["label"][cohort["person"] == person][0] == 0
        and np.median(area[cohort["person"] == person]) > LARGE
    ]
    each = [np.array([repeat[key] for repeat in repeats]) for key in METRICS]
    return [
        name,
        f"{score.mean():.3f} ({score.mean(axis=0).std(ddof=1) / score.shape[1] ** 0.5:.3f})",
        f"{score.min():.3f}",
        f"{each[0].mean():.3f} ± {each[0].std():.3f}",
        *(f"{values.mean():.3f}" for values in each[1:]),
        f"{np.mean(large):.2f}",
        f"{worst}: {recall[worst]:.2f}",
    ]


def gain(score: np.ndarray, base: np.ndarray) -> str:
    """The mean difference between two scores, fold by fold, with its standard error."""
    difference = (score - base).mean(axis=0)
    return f"{difference.mean():+.3f} ({difference.std(ddof=1) / len(difference) ** 0.5:.3f})"


def errors(cohort: Cohort, logit: np.ndarray, area: np.ndarray) -> list[list[str]]:
    """Person by person: cells, median area, fraction correct, AUROC against the other class.

    Then the rank correlation of the log-odds with the area among the cells of one class.
    """
    z, label, person = logit.mean(axis=0), cohort["label"], cohort["person"]
    rows = []
    for name, recall in sorted(recalls(cohort, logit).items(), key=lambda item: item[1]):
        cells = person == name
        against = cells | (label != label[cells][0])
        auroc = all_metrics(label[against], sigmoid(z[against]), person[against], 0.5)["auroc"]
        kind = "ALL" if label[cells][0] == 1 else "HEM"
        median = f"{np.median(area[cells]):.0f}"
        rows.append([name, kind, str(cells.sum()), median, f"{recall:.2f}", f"{auroc:.2f}"])
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
    """Parse the command line, predict what is not cached, print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    beside = Path(__file__).with_name("candidates.yaml")
    parser.add_argument("--candidates", type=Path, default=beside)
    parser.add_argument("--only", nargs="+", help="names of candidates")
    parser.add_argument("--folds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--most", type=int, default=10**9, help="cells per person")
    parser.add_argument("--errors", action="store_true", help="show errors by person")
    parser.add_argument("--out", type=Path, default=Path("folds"))
    options = parser.parse_args()

    whole = hash_cells(ls.read_cohort(options.cohort))
    rows = subsampled(whole["person"], options.most)
    cohort, area = whole.select(rows), areas(whole)[rows]
    folds = [person_folds(cohort, options.folds, seed) for seed in range(options.repeats)]
    trees = yaml.safe_load(options.candidates.read_text("utf-8"))
    chosen = {name: read_estimator(trees[name], name) for name in options.only or trees}
    logits = {
        name: cached_logits(whole, rows, estimator, folds, options.out)
        for name, estimator in chosen.items()
    }
    if options.errors:
        for name, logit in logits.items():
            print(f"\n{name}\n")
            heads = ["person", "class", "cells", "median area", "correct", "AUROC"]
            table(heads, errors(cohort, logit, area))
        return
    by_name = {name: scores(cohort, logit, folds) for name, logit in logits.items()}
    best = max(by_name.values(), key=np.mean)
    table(
        HEADS,
        [
            [
                *line(name, cohort, logit, by_name[name], area),
                gain(by_name[name], best),
            ]
            for name, logit in logits.items()
        ],
    )


if __name__ == "__main__":
    main()
