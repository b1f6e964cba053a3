"""Search for better settings of a recipe."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from leukoscope.api.data import Source, audited
from leukoscope.api.extras import needs_train_extra
from leukoscope.api.train import check_ground, check_weights, resolve_split
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import TuningError
from leukoscope.core.processes import world_size
from leukoscope.core.seeds import require_seed
from leukoscope.data.splits.partition import Split, apply_split
from leukoscope.data.splits.splits import FRACTIONS
from leukoscope.models.recipe.settings import Monitor

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from leukoscope.models.recipe.recipe import Recipe
    from leukoscope.training.tuning.results import Study
    from leukoscope.training.tuning.study import Plan


def tune(
    source: Source,
    recipe: str = "cnn",
    *,
    out: Path | str | None = None,
    trials: int = 20,
    vary: Mapping[str, Any] | None = None,
    space: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    objective: Monitor | None = None,
    storage: str | None = None,
    split: Split | Path | str = "person",
    folds: int = 1,
    seed: int = 0,
    jobs: int | None = None,
    workers: int = 1,
    fractions: Sequence[float] = FRACTIONS,
) -> "Study":
    """Search for better settings of a recipe on validation persons, and write them as a new recipe.

    Test persons are held out: no trial sees them. The same call again continues a study that was
    stopped, and adds trials if more are asked for. Several such calls at once, also on other
    machines with the same `storage`, work on one study.

    Args:
        source: As for `read_cohort`; a cohort.csv written by an audit saves auditing again.
        recipe: Name of a recipe, or a YAML file.
        out: Folder of the study, and its name in the storage; by default studies/<recipe>.
        trials: Number of trials, of all workers together and with those the study has already.
        vary: Dotted name of a setting to a range ("1e-6..1e-3:log") or choices ("relu,gelu", or a
            list); added to those of `space`. Without both, a space for this kind of recipe.
        space: A YAML file of the same.
        settings: Recipe fields to replace, by dotted name, in all trials.
        objective: Metric on validation persons to optimize; by default the recipe's `fit.monitor`.
        storage: Where the trials are stored: "journal:PATH", "postgresql://...", "sqlite:///FILE";
            by default a SQLite file in the folder.
        split: "person", "subject", "official", "image", a split file, or a split.
        folds: Above 1, the value of a trial is its mean over this many folds of the persons who are
            not test persons, instead of its value on the validation subset.
        seed: Random seed of the split (if it is made here), the search and the trainings.
        jobs: Threads for reading, augmentation and fits; by default one for each core.
        workers: Processes on this machine.
        fractions: Wanted fractions of train, validation and test.

    Returns:
        The study: its trials, and the best with its recipe file.

    Raises:
        LeukoscopeError: The recipe, space, data, split, folder or storage cannot be used; the
            message says what to do.
    """
    with needs_train_extra("tune"):
        from leukoscope.models.recipe.recipe import read_recipe
        from leukoscope.models.recipe.space import read_space, read_space_file
        from leukoscope.training.tuning.storage import shown
        from leukoscope.training.tuning.study import Plan, without_test_cells
    seed = require_seed(seed)
    base = _with_objective(read_recipe(recipe).with_settings(settings or {}), objective)
    ranges = {**(read_space_file(space) if space else {}), **(vary or {})}
    search_space = read_space(ranges or base.default_space, base)
    if world_size() > 1:
        raise TuningError("tune does not run under torchrun; for several processes, use --workers.")
    _check_counts(trials=trials, folds=folds, workers=workers)
    if storage:
        shown(storage)  # an invalid URL is refused before the long work
    if "network.weights" not in search_space:
        check_weights(base)
    cohort = audited(source, jobs=jobs)
    check_ground(cohort, base)
    made = resolve_split(cohort, split, seed, fractions)
    for warning in made.warnings:
        log.warning(warning)
    plan = Plan(
        folder=Path(out) if out else Path("studies") / base.name,
        cohort=without_test_cells(apply_split(cohort, made), made),
        recipe=base,
        space=search_space,
        split=made,
        objective=objective or base.monitor,
        trials=trials,
        folds=folds,
        seed=seed,
        storage=storage,
        jobs=jobs or usable_cores(),
    )
    return _run(plan, workers)


def _run(plan: "Plan", workers: int) -> "Study":
    from leukoscope.training.tuning.display import study_display
    from leukoscope.training.tuning.page import write_study_page
    from leukoscope.training.tuning.results import publish
    from leukoscope.training.tuning.storage import failures_named
    from leukoscope.training.tuning.study import open_study
    from leukoscope.training.tuning.worker import work
    from leukoscope.training.tuning.workers import run_workers

    with failures_named(plan.place):
        study = open_study(plan)  # refused by one process, not by each
        if workers > 1:
            run_workers(plan, workers)
        with study_display(plan.trials) as display:
            work(plan, study, display)  # after the workers: trials of one that was killed
        result = publish(plan, study)
        write_study_page(plan, study, result)
        return result


def _with_objective(recipe: "Recipe", objective: str | None) -> "Recipe":
    """Return the recipe with the study's objective as the metric that chooses the best epoch."""
    from leukoscope.models.recipe.recipe import NetworkRecipe

    known = get_args(Monitor)
    if objective is not None and objective not in known:
        raise TuningError(f"--objective {objective}: choose one of {', '.join(known)}.")
    if objective is None or not isinstance(recipe, NetworkRecipe):
        return recipe
    return recipe.with_settings({"fit.monitor": objective})


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise TuningError(f"{name} is {count}; give 1 or more.")
