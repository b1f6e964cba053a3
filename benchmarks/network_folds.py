"""Cross-validate a network on the persons and folds of `person_folds.py`, for one table of both.

    python benchmarks/network_folds.py audit/cohort.csv --most 60 --recipe cnn --set input.size=128

For each fold the next one is the validation subset, which chooses the epoch; the metrics need no
temperature. The persons of the fold itself are predicted once, at the end. Predictions are cached
in `--out`. The last column is the difference to the classical recipe `--against`; `both` is the
mean of the two log-odds, each divided by its standard deviation.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from person_folds import (
    HEADS,
    areas,
    cross_val_logits,
    gain,
    line,
    scores,
    subsampled,
    table,
)

import leukoscope as ls
from leukoscope.cli.train import parse_setting
from leukoscope.core.tables import text_column
from leukoscope.data.cohort import Cohort
from leukoscope.data.hashing import hash_cells
from leukoscope.data.imaging.image import Crop
from leukoscope.models.recipe.recipe import EstimatorRecipe, NetworkRecipe, read_recipe
from leukoscope.training.cache import cached_crops
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.estimators.inputs import feature_matrix
from leukoscope.training.network.allocator import keep_memory
from leukoscope.training.network.devices import open_fabric
from leukoscope.training.network.fit import fit, predict_logits
from leukoscope.training.network.probe import unprobed


def predict_fold(
    cohort: Cohort,
    cells: np.ndarray,
    recipe: NetworkRecipe,
    fold: np.ndarray,
    number: int,
    out: Path,
) -> np.ndarray:
    """Logits of the cells of one fold by a network that has not seen their persons."""
    path = out / f"fold{number}.npy"
    if not path.is_file():
        validation = (number + 1) % (int(fold.max()) + 1)
        names = {number: "test", validation: "validation"}
        part = text_column([names.get(int(cell), "train") for cell in fold])
        folder = out / f"fold{number}"
        folder.mkdir(parents=True, exist_ok=True)
        fitted = fit(
            cohort.with_columns(part=part),
            cells,
            recipe,
            folder,
            seed=number,
            on_epoch=lambda epoch, best: print(
                f"fold {number}, epoch {epoch.epoch}: validation AUROC "
                f"{epoch.validation_auroc:.3f}, {epoch.seconds:.0f} s",
                flush=True,
            ),
        )
        rows = np.flatnonzero(fold == number)
        fabric = open_fabric(unprobed(recipe).precision)
        np.save(path, predict_logits(fabric, fitted.network, cells, rows))
    return np.asarray(np.load(path), np.float64)


def main() -> None:
    """Parse the command line, train what is not cached, print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    parser.add_argument("--recipe", default="cnn")
    parser.add_argument("--against", default="default", help="a classical recipe")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--folds", type=int, default=7)
    parser.add_argument("--most", type=int, default=10**9, help="cells per person")
    parser.add_argument("--out", type=Path, default=Path("folds"))
    options = parser.parse_args()
    keep_memory()

    recipe = read_recipe(options.recipe).with_settings(dict(map(parse_setting, options.set)))
    cohort = hash_cells(ls.read_cohort(options.cohort))
    other = read_recipe(options.against)
    assert isinstance(recipe, NetworkRecipe), f"{recipe.name} trains an estimator"
    assert isinstance(other, EstimatorRecipe), f"{other.name} trains a network"
    values, area = feature_matrix(cohort, other).cells, areas(cohort)
    crops = cached_crops(cohort, Crop(recipe.input.crop, recipe.input.size)).cells
    rows = subsampled(cohort["person"], options.most)
    cohort, values, cells, area = cohort.select(rows), values[rows], crops[rows], area[rows]
    fold = person_folds(cohort, options.folds, 0)

    key = json.dumps([recipe.to_dict(), fold.tolist(), cohort["sha256"].tolist()])
    out = options.out / f"{recipe.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    logit = np.full(len(cohort), np.nan)
    for number in range(int(fold.max()) + 1):
        logit[fold == number] = predict_fold(cohort, cells, recipe, fold, number, out)

    classical = cross_val_logits(cohort, values, other.classical, fold)
    logits = {
        other.name: classical[None],
        recipe.name: logit[None],
        "both": (logit / logit.std() + classical / classical.std())[None],
    }
    by_name = {name: scores(cohort, z, [fold]) for name, z in logits.items()}
    table(
        [*HEADS[:-1], f"rule minus {other.name} (s.e.)"],
        [
            [*line(name, cohort, z, by_name[name], area), gain(by_name[name], by_name[other.name])]
            for name, z in logits.items()
        ],
    )


if __name__ == "__main__":
    main()
