"""Do the heatmaps point at what the models use? Deletion and insertion on test cells of runs.

Every model is asked for its own map, where it has one, and for the occlusion map that is made for
any model. Each is set against maps of the same values in random places and against patches ranked
from the center, on the same cells. Prints one table as Markdown:

    python benchmarks/heatmaps.py runs/cnn-gap-person-0 runs/cnn-person-0 --cells 10

Means over persons, with 95 % intervals over persons. A gain above 0 says that the map is better.
Patches are replaced by the cell's blur or mean color, which leaves its size alone, or by black,
which does not.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from leukoscope.core.progress import track
from leukoscope.core.statistics import sigmoid
from leukoscope.core.values import Estimate
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.image import read_cell
from leukoscope.data.imaging.perturb import blurred_baseline, cut_into_patches, mean_baseline
from leukoscope.evaluation.metrics.faithfulness import Ends, measure, over_persons
from leukoscope.inference.model_file.model_file import ModelFile, load
from leukoscope.inference.occlusion import occlusion_map
from leukoscope.training.run import read_run

BATCH = 8
FILLINGS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "blur": blurred_baseline,
    "mean color": lambda cell, crop: mean_baseline(cell),
    "black": lambda cell, crop: np.zeros_like(cell),
}
COLUMNS = ("model", "map", "replaced by", "cells", "probability: whole, replaced")
GAINS = {
    "deletion_over_random": "deletion: gain over random",
    "deletion_over_center": "over center",
    "insertion_over_random": "insertion: gain over random",
    "insertion_over_center": "over center",
}


def some_cells(cohort: Cohort, each: int, seed: int) -> Cohort:
    """As many test cells of each person, drawn at random."""
    draw = np.random.default_rng(seed)
    tested = cohort["part"] == "test"
    rows: list[int] = []
    for person in cohort.select(tested).unique("person"):
        own = np.flatnonzero(tested & (cohort["person"] == person))
        rows += sorted(draw.choice(own, min(each, len(own)), replace=False).tolist())
    return cohort.select(np.isin(np.arange(len(cohort)), rows))


def scorer(model: ModelFile) -> Callable[[np.ndarray], np.ndarray]:
    def score(cells: np.ndarray) -> np.ndarray:
        parts = [model.run(cells[at : at + BATCH]).logit for at in range(0, len(cells), BATCH)]
        return sigmoid(np.concatenate(parts).astype(np.float64) / model.card.temperature)

    return score


def maps(model: ModelFile, cell: np.ndarray) -> dict[str, np.ndarray]:
    made = {"occlusion": occlusion_map(model, cell)}
    exact = model.run(cell[None], heatmaps=True).heatmap
    return made if exact is None else {"exact": exact[0], **made}


def figures(
    model: ModelFile, cohort: Cohort, fillings: list[str]
) -> dict[tuple[str, str], list[dict[str, float]]]:
    """The figures of each cell, by map and filling."""
    crop, score = model.card.input.crop, scorer(model)
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number, path in enumerate(track(cohort.paths, model.card.name, len(cohort))):
        cell = read_cell(path, model.card.input)
        made = maps(model, cell)
        patches = cut_into_patches(cell, crop)
        for filling in fillings:
            ends = Ends.of(score, cell, FILLINGS[filling](cell, crop), patches)
            for name, heatmap in made.items():
                one = measure(score, ends, heatmap, seed=number)
                found.setdefault((name, filling), []).append(one)
    return found


def line(model: str, name: str, filling: str, cells: int, of: dict[str, Estimate]) -> str:
    ends = f"{of['whole'].value:.3f}, {of['replaced'].value:.3f}"
    return " | ".join(
        [f"| `{model}`", name, filling, str(cells), ends, *(str(of[key]) for key in GAINS)]
    )


def main() -> None:
    """Parse the command line, measure each run, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="run folders")
    parser.add_argument("--cells", type=int, default=10, help="test cells of each person")
    parser.add_argument("--fillings", nargs="+", choices=FILLINGS, default=list(FILLINGS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    names = [*COLUMNS, *GAINS.values()]
    print("|", " | ".join(names), "|")
    print("|" + "---|" * len(names))
    for folder in options.runs:
        run = read_run(folder)
        model = load(run.model)
        cohort = some_cells(run.cohort, options.cells, options.seed)
        for (name, filling), cells in figures(model, cohort, options.fillings).items():
            of = over_persons(cells, cohort["label"], cohort["person"])
            print(line(model.card.name, name, filling, len(cohort), of), "|", flush=True)


if __name__ == "__main__":
    main()
