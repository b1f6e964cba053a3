"""One trial: train a recipe and measure it on persons it was not trained on, never on test persons.

Crops and descriptors come from the cache that all trainings share, so a study makes them once for
each crop and size that it tries.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from leukoscope.core.files import locked
from leukoscope.data.cohort import Cohort
from leukoscope.models.recipe.recipe import EstimatorRecipe, NetworkRecipe, Recipe
from leukoscope.training.cache import cached_crops
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.estimators.inputs import crop_of, feature_matrix
from leukoscope.training.estimators.train import choose_and_fit
from leukoscope.training.network.log import Epoch, validation_metrics
from leukoscope.training.network.sampling import subset_rows
from leukoscope.training.run import BEST, LAST
from leukoscope.training.tuning.study import Plan

CELLS = "cells.lock"

Report = Callable[[int, float], None]
"""Called with a step from 1 and the value so far; raises to stop the trial."""


@dataclass
class Progress:
    """Progress of a trial.

    Attributes:
        report: Called with values of the objective.
        on_step: Called after each training step, as by `fit`.
        epochs: Finished epochs of a network, over all folds.
        seconds: Training time, also that of a process that was interrupted.
        values: The value of each finished fold.
    """

    report: Report = lambda *_: None
    on_step: Callable[[int, float, float], None] = lambda *_: None
    epochs: int = 0
    seconds: float = 0.0
    values: list[float] = field(default_factory=list)


def measure(plan: Plan, recipe: Recipe, folder: Path, progress: Progress) -> float:
    """Train a recipe and return its value of the study's objective; with folds, their mean.

    Without folds every epoch of a network is reported, with the best value so far; with folds every
    fold, with the mean so far.

    Args:
        plan: The study.
        recipe: The recipe with the trial's settings.
        folder: The trial's folder; a network that was interrupted there is resumed.
        progress: Reports progress, and records it.

    Raises:
        LeukoscopeError: The recipe cannot be trained on these cells.
    """
    cells, cohort = _cells(plan, recipe)
    once = plan.folds == 1
    for number, fold in enumerate(_folds(plan, cohort)):
        fold_folder = folder if once else folder / f"fold-{number}"
        report = progress.report if once else lambda *_: None
        if isinstance(recipe, NetworkRecipe):
            value = _network(plan, recipe, fold, cells, fold_folder, progress, report)
        else:
            assert isinstance(recipe, EstimatorRecipe)  # there are these two
            value = _estimator(plan, recipe, fold, cells, progress, report)
        progress.values.append(value)
        if not once:
            progress.report(number + 1, float(np.mean(progress.values)))
    return float(np.mean(progress.values))


def clear_weights(folder: Path) -> None:
    """Remove the checkpoints of a finished trial, which would fill the disk; the log stays."""
    for name in (LAST, BEST):
        for path in folder.glob(f"**/{name}"):
            path.unlink(missing_ok=True)


def _cells(plan: Plan, recipe: Recipe) -> tuple[np.ndarray, Cohort]:
    """The inputs, one row per cell, and the cohort; unreadable cells are in no subset."""
    with locked(plan.folder / CELLS):  # one worker makes the inputs, the others wait
        if isinstance(recipe, EstimatorRecipe):
            cached = feature_matrix(plan.cohort, recipe, jobs=plan.jobs)
        else:
            cached = cached_crops(plan.cohort, crop_of(recipe), jobs=plan.jobs)
    part = plan.cohort["part"].copy()
    part[list(cached.problems)] = ""
    return cached.cells, plan.cohort.with_columns(part=part)


def _folds(plan: Plan, cohort: Cohort) -> Iterator[Cohort]:
    """The cells with their subsets, once for each training of a trial."""
    if plan.folds == 1:
        yield cohort
        return
    used = np.flatnonzero(cohort["part"] != "")
    fold = np.full(len(cohort), -1)
    fold[used] = person_folds(cohort.select(used), plan.folds, plan.seed)
    for number in range(int(fold.max()) + 1):
        names = np.where(fold == number, "validation", np.where(fold >= 0, "train", ""))
        yield cohort.with_columns(part=names)


def _network(
    plan: Plan,
    recipe: NetworkRecipe,
    cohort: Cohort,
    cells: np.ndarray,
    folder: Path,
    progress: Progress,
    report: Report,
) -> float:
    from leukoscope.training.network.allocator import keep_memory
    from leukoscope.training.network.fit import fit
    from leukoscope.training.network.resume import finished_epochs

    keep_memory()
    better = min if plan.minimizes else max
    best: list[float] = []

    def on_epoch(entry: Epoch, _is_best: bool = False) -> None:
        progress.epochs, progress.seconds = progress.epochs + 1, progress.seconds + entry.seconds
        best.append(better([*best[-1:], entry.monitored(plan.objective)]))
        report(entry.epoch, best[-1])

    for entry in finished_epochs(folder, cohort, recipe, plan.seed):
        on_epoch(entry)  # of an interrupted training
    fitted = fit(
        cohort,
        cells,
        recipe,
        folder,
        seed=plan.seed,
        jobs=plan.jobs,
        on_step=progress.on_step,
        on_epoch=on_epoch,
    )
    return fitted.log[fitted.best].monitored(plan.objective)


def _estimator(
    plan: Plan,
    recipe: EstimatorRecipe,
    cohort: Cohort,
    values: np.ndarray,
    progress: Progress,
    report: Report,
) -> float:
    began = time.perf_counter()
    train, validation = subset_rows(cohort, "train"), subset_rows(cohort, "validation")
    fitting = cohort.select(train)
    _, fitted = choose_and_fit(recipe, fitting, values[train], plan.seed, plan.jobs, quiet=True)
    metrics = validation_metrics(fitted.logit(values[validation]), cohort["label"][validation])
    value = metrics[f"validation_{plan.objective}"]
    progress.seconds += time.perf_counter() - began
    report(1, value)
    return value
