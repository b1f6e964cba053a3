"""Measure the optimism of leaky splits with one recipe under four kinds of split."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukoscope.api.data import Source, audited
from leukoscope.api.evaluate import evaluate
from leukoscope.api.extras import needs_train_extra
from leukoscope.api.leakage_plan import (
    SPLITS,
    PlannedRun,
    budgeted,
    check_choice,
    keep_study,
    kept_counts,
    plan_runs,
    study_cells,
)
from leukoscope.api.train import check_ground, check_weights, trainer
from leukoscope.core.cores import usable_cores
from leukoscope.core.progress import duration
from leukoscope.core.several import several
from leukoscope.core.wording import count as counted
from leukoscope.data.audit.checked import remarks
from leukoscope.data.cohort import ALL, HEM
from leukoscope.models.recipe.recipe import NetworkRecipe, Recipe

if TYPE_CHECKING:
    from leukoscope.evaluation.leakage.record import Study

log = logging.getLogger(__name__)

SEEDS = (0, 1, 2)


def leakage(
    source: "Source | None" = None,
    recipe: str = "cnn",
    *,
    out: Path | str = "leakage",
    splits: Sequence[str] | str = SPLITS,
    seeds: Sequence[int] | int = SEEDS,
    cells: int | None = None,
    epochs: int | None = None,
    settings: Mapping[str, Any] | None = None,
    weights: str | None = None,
    jobs: int | None = None,
) -> "Study":
    """Measure the optimism of leaky splits: one recipe, the same budget, several kinds of split.

    Every run has a folder, OUT/RECIPE/SPLIT-seedN. A finished run is not repeated, so the same call
    continues a study that was stopped. Studies of other recipes on the same data may share `out`.
    Writes leakage.html, leakage.csv, summary.json, leakage.png and leakage.svg about all finished
    runs.

    Args:
        source: As for `read_cohort`; a cohort.csv written by an audit saves auditing again. Without
            it nothing is trained, and the finished runs in `out` are summarized.
        recipe: Name of a recipe, or a YAML file.
        out: Folder of the study.
        splits: One or several of "image", "subject", "official" and "person".
        seeds: One or several random seeds of the split, the sampled cells and the training. The
            official split tests on fold seed modulo 3.
        cells: Training cells of every run; by default as many as every split has.
        epochs: Epochs of every run, instead of the recipe's; there is no early stopping.
        settings: Recipe fields to replace, by dotted name.
        weights: Initial weights of the network's trunk, instead of the recipe's.
        jobs: Threads; by default one for each core.

    Returns:
        The runs, and the mean and the gap of each kind of split.

    Raises:
        LeukoscopeError: The recipe, the data or a split cannot be used, or `out` holds other runs.
    """
    with needs_train_extra("leakage"):
        from leukoscope.api.leakage_runs import read_study
        from leukoscope.evaluation.leakage.report import write_study
        from leukoscope.models.recipe.recipe import read_recipe
    jobs = jobs or usable_cores()
    folder = Path(out)
    if source is not None:
        splits, seeds = tuple(several(splits)), tuple(several(seeds))
        check_choice(splits, seeds, cells)
        seeds = tuple(map(int, seeds))
        named = {} if weights is None else {"network.weights": weights}
        chosen = budgeted(read_recipe(recipe).with_settings({**(settings or {}), **named}), epochs)
        cohort = audited(source, jobs=jobs)
        check_ground(cohort, chosen)
        for remark in remarks(cohort):
            log.warning(remark)
        cohort = study_cells(cohort)
        kept = kept_counts(folder / chosen.name, chosen, cohort)
        planned = plan_runs(cohort, folder / chosen.name, splits, seeds, cells, kept)
        keep_study(folder / chosen.name, chosen, planned)
        _run(planned, chosen, jobs)
    study = read_study(folder)
    write_study(study, folder)
    return study


def _run(planned: Sequence[PlannedRun], recipe: Recipe, jobs: int) -> None:
    """Train and evaluate the runs that are not finished, and log how long it will take."""
    from leukoscope.evaluation.report.report import RECORD_NAME

    remaining = [run for run in planned if not (run.folder / RECORD_NAME).is_file()]
    for line in _estimate(planned, remaining, recipe):
        log.info(line)
    if remaining:
        check_weights(recipe)
    began = time.monotonic()
    for number, run in enumerate(remaining):
        if number:
            each = (time.monotonic() - began) / number
            rest = duration(each * (len(remaining) - number))
            log.info(f"about {rest} left, {duration(each)} a run")
        log.info(f"run {number + 1} of {len(remaining)}: {run.folder}")
        trained = trainer(recipe)(
            run.cohort, recipe, run.split, run.folder, seed=run.seed, jobs=jobs
        )
        evaluate(trained, jobs=jobs)


def _estimate(
    planned: Sequence[PlannedRun], remaining: Sequence[PlannedRun], recipe: Recipe
) -> list[str]:
    """Describe the number and the size of the runs, a line each."""
    cohort = planned[0].cohort
    sizes = {}
    for part in ("train", "validation"):
        label = cohort["label"][cohort["part"] == part]
        blasts, normal = int((label == ALL).sum()), int((label == HEM).sum())
        sizes[part] = f"{counted(blasts + normal, 'cell')} ({blasts:,} ALL, {normal:,} HEM)"
    tested = [int((run.cohort["part"] == "test").sum()) for run in planned]
    lines = [
        f"{recipe.name}: {counted(len(planned), 'run')}, {len(remaining)} of them to do. Each "
        "trains on "
        f"{sizes['train']} and validates on {sizes['validation']}, the same numbers for all, and "
        "is "
        f"tested on {min(tested):,} to {counted(max(tested), 'cell')}.",
    ]
    if isinstance(recipe, NetworkRecipe):
        epochs = sum(stage.epochs or recipe.fit.epochs for stage in recipe.stages)
        epochs = epochs or recipe.fit.epochs
        lines.append(
            f"{counted(epochs, 'epoch')} per run, {epochs * len(remaining):,} in all; the time of "
            "one is "
            "logged soon after the first begins."
        )
    return lines
