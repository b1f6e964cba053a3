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
from leukoscope.training.estimators.estimators import fit_estimator
from leukoscope.training.estimators.grid_search import choose, person_folds
from leukoscope.training.estimators.inputs import crop_of, feature_matrix
from leukoscope.training.network.log import Epoch, validation_metrics
from leukoscope.training.network.sampling import even_weights, part_rows
from leukoscope.training.run import BEST, LAST
from leukoscope.training.tuning.study import Plan

CELLS = "cells.lock"

# Called with a step from 1 and the figure so far; raises where the trial is to be stopped.
OnFigure = Callable[[int, float], None]


@dataclass
class Course:
    """How far a trial has come; `seconds` are those of its training, over all its processes."""

    on_figure: OnFigure = lambda *_: None
    on_step: Callable[[int, float, float], None] = lambda *_: None
    epochs: int = 0
    seconds: float = 0.0
    figures: list[float] = field(default_factory=list)  # one of each finished fold


def measure(plan: Plan, recipe: Recipe, folder: Path, course: Course) -> float:
    """Train and return the study's figure; the mean over folds where it has them.

    Without folds every epoch of a network is told, with the best figure so far; with them every
    fold, with their mean so far.

    Args:
        plan: Of the study.
        recipe: With the trial's settings.
        folder: Of the trial; a network that was interrupted there goes on.
        course: Is told of progress.

    Raises:
        LeukoscopeError: The recipe cannot be trained on these cells.
    """
    cells, cohort = _cells(plan, recipe)
    once = plan.folds == 1
    for number, parts in enumerate(_parts(plan, cohort)):
        own = folder if once else folder / f"fold-{number}"
        told = course.on_figure if once else lambda *_: None
        if isinstance(recipe, NetworkRecipe):
            course.figures.append(_network(plan, recipe, parts, cells, own, course, told))
        elif isinstance(recipe, EstimatorRecipe):
            course.figures.append(_estimator(plan, recipe, parts, cells, course, told))
        if not once:
            course.on_figure(number + 1, float(np.mean(course.figures)))
    return float(np.mean(course.figures))


def clear_weights(folder: Path) -> None:
    """Remove the checkpoints of a finished trial, which would fill the disk; the log stays."""
    for name in (LAST, BEST):
        for path in folder.glob(f"**/{name}"):
            path.unlink(missing_ok=True)


def _cells(plan: Plan, recipe: Recipe) -> tuple[np.ndarray, Cohort]:
    """What is trained on, a row per cell, and the cells; those not readable are in no part."""
    with locked(plan.folder / CELLS):  # one worker makes them, the others wait for it
        if isinstance(recipe, EstimatorRecipe):
            found = feature_matrix(plan.cohort, recipe, jobs=plan.jobs)
        else:
            found = cached_crops(plan.cohort, crop_of(recipe), jobs=plan.jobs)
    part = plan.cohort["part"].copy()
    part[list(found.problems)] = ""
    return found.cells, plan.cohort.with_columns(part=part)


def _parts(plan: Plan, cohort: Cohort) -> Iterator[Cohort]:
    """The cells with their parts, once for each training of a trial."""
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
    course: Course,
    told: OnFigure,
) -> float:
    from leukoscope.training.network.allocator import keep_memory
    from leukoscope.training.network.fit import finished_epochs, fit

    keep_memory()
    better = min if plan.minimizes else max
    best: list[float] = []

    def on_epoch(entry: Epoch, _is_best: bool = False) -> None:
        course.epochs, course.seconds = course.epochs + 1, course.seconds + entry.seconds
        best.append(better([*best[-1:], entry.monitored(plan.objective)]))
        told(entry.epoch, best[-1])

    for entry in finished_epochs(folder, cohort, recipe, plan.seed):
        on_epoch(entry)  # of an interrupted training
    fitted = fit(
        cohort,
        cells,
        recipe,
        folder,
        seed=plan.seed,
        jobs=plan.jobs,
        on_step=course.on_step,
        on_epoch=on_epoch,
    )
    return fitted.log[fitted.best].monitored(plan.objective)


def _estimator(
    plan: Plan,
    recipe: EstimatorRecipe,
    cohort: Cohort,
    values: np.ndarray,
    course: Course,
    told: OnFigure,
) -> float:
    began = time.perf_counter()
    settings = recipe.classical
    train, validation = part_rows(cohort, "train"), part_rows(cohort, "validation")
    own, label = cohort.select(train), cohort["label"].astype(np.int64)
    weights = even_weights(own["label"], own["person"], settings.weights)
    choice = choose(settings, own, values[train], weights, seed=plan.seed, jobs=plan.jobs)
    fitted = fit_estimator(
        settings,
        choice.chosen,
        values[train],
        label[train],
        weights,
        seed=plan.seed,
        jobs=plan.jobs,
    )
    figure = validation_metrics(fitted.logit(values[validation]), label[validation])
    course.seconds += time.perf_counter() - began
    told(1, figure[f"validation_{plan.objective}"])
    return figure[f"validation_{plan.objective}"]
