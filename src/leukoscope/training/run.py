"""The run folder: everything that a training used and wrote, in readable files."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.errors import TrainingError
from leukoscope.core.files import locked
from leukoscope.core.renamed import first_names
from leukoscope.data.cohort import Cohort, read_cohort_table, write_cohort
from leukoscope.data.splits.partition import Split, read_split, write_split
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.hashes import truncate
from leukoscope.models.recipe.recipe import Recipe, read_recipe, write_recipe

RECIPE, SPLIT, COHORT, MODEL = "recipe.yaml", "split.json", "cohort.csv", "model.onnx"
LAST, BEST = "last.safetensors", "best.safetensors"  # checkpoints of a network
LOG = "log.csv"  # a line of metrics for each epoch of a network
CURVES, PREDICTIONS, REPORTS = "curves.png", "predictions.csv", ("report.html", "report.json")
CHOICE, IMPORTANCE = "choice.json", "importance.csv"  # of classical recipes
MLFLOW = "mlflow.json"  # ids of the runs that MLflow knows it by
LOCK = ".training.lock"
TRAINING_FILES = (MODEL, LOG, LAST, BEST, CURVES, CHOICE, IMPORTANCE, MLFLOW)
RUN_FILES = (RECIPE, SPLIT, COHORT, *TRAINING_FILES, PREDICTIONS, *REPORTS)


@dataclass(frozen=True)
class Run:
    """A training and its files.

    Attributes:
        folder: The run folder.
        recipe: The settings.
        split: The split over subsets.
        cohort: The cells, with `part`.
    """

    folder: Path
    recipe: Recipe
    split: Split
    cohort: Cohort

    @property
    def model(self) -> Path:
        """The exported model."""
        return self.folder / MODEL

    def __repr__(self) -> str:
        return f"<Run {str(self.folder)!r}: recipe {self.recipe.name}, {self.split!r}>"


def run_key(cohort: Cohort, settings: Mapping[str, Any], *others: Any) -> str:
    """A hash that two runs share if settings, and cells with their labels and parts, are the same.

    Args:
        cohort: The cells, with `part`.
        settings: Those of the recipe.
        *others: Further values that JSON can hold, such as the seed.
    """
    cells = [cohort[name].tolist() for name in ("sha256", "part", "label", "person")]
    text = json.dumps([first_names(settings), *others, cells])
    return hashlib.sha256(text.encode()).hexdigest()


def write_run(run: Run) -> None:
    """Write recipe, split and cohort, before the training starts."""
    write_recipe(run.recipe, run.folder / RECIPE)
    write_split(run.split, run.folder / SPLIT)
    write_cohort(run.cohort, run.folder / COHORT)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Let one process at a time train in a run folder.

    Raises:
        TrainingError: Another process is training there.
    """
    with locked(folder / LOCK, wait=False) as mine:
        if not mine:
            raise TrainingError(
                f"{folder}: another process is training in this folder; wait for it to end, or "
                "choose another --out."
            )
        yield


def check_model(run: Run, card: Card) -> None:
    """Make sure that the model file of a run was trained and calibrated on the cells of that run.

    Raises:
        TrainingError: It was trained on others, or is not calibrated.
    """
    if card.operating_point is None:
        raise TrainingError(
            f"{run.model}: has no operating point, so its training has not finished; repeat the "
            "same `leukoscope train`."
        )
    seen = np.isin(run.cohort["part"], ("train", "validation"))
    expected = {truncate(sha256) for sha256 in run.cohort["sha256"][seen]}
    if card.hash_set() != expected:
        raise TrainingError(
            f"{run.model}: was trained on other cells than {run.folder / COHORT} lists, so it "
            "belongs to another run; train again there with --fresh."
        )


def check_kind(folder: Path, recipe: Recipe) -> None:
    """Make sure that a folder holds no run of the other kind of recipe: network or estimator.

    Raises:
        TrainingError: It does.
    """
    path = folder / RECIPE
    if path.is_file() and type(read_recipe(path)) is not type(recipe):
        raise TrainingError(
            f"{folder}: holds a run of another kind of recipe; choose another --out, or start "
            "again there with --fresh."
        )


def clear(folder: Path) -> None:
    """Remove the files of a training from a folder, and no others, so that a new one can start."""
    for name in RUN_FILES:
        (folder / name).unlink(missing_ok=True)


def read_run(folder: Path | str) -> Run:
    """Read a run folder.

    Raises:
        TrainingError: Not a run folder, or its training has not finished.
    """
    folder = Path(folder)
    missing = [name for name in (RECIPE, SPLIT, COHORT) if not (folder / name).is_file()]
    if missing:
        raise TrainingError(
            f"{folder}: not a run folder (no {', '.join(missing)}); name a folder that `leukoscope "
            "train` wrote."
        )
    if not (folder / MODEL).is_file():
        raise TrainingError(
            f"{folder}: this training has not finished (no {MODEL}); repeat the same "
            "`leukoscope train` to resume it."
        )
    recipe, split = read_recipe(folder / RECIPE), read_split(folder / SPLIT)
    return Run(folder, recipe, split, read_cohort_table(folder / COHORT))
