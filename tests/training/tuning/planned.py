"""Small studies of tiny cells."""

import time
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.trial import TrialState

from leukoscope.data.cohort import Cohort, read_cohort_table
from leukoscope.data.hashing import hash_cells
from leukoscope.data.splits.partition import Split, apply_split
from leukoscope.data.splits.splits import split_cohort
from leukoscope.models.recipe.recipe import NetworkRecipe, Recipe, from_dict
from leukoscope.models.recipe.space import read_space
from leukoscope.training.tuning.display import study_display
from leukoscope.training.tuning.results import Study, publish
from leukoscope.training.tuning.storage import BEAT
from leukoscope.training.tuning.study import Plan, open_study, without_test_cells
from leukoscope.training.tuning.worker import work
from tests.training.tiny import FILE_SETTINGS, SCALE, SIZE

SIDE = SIZE * SCALE  # of the image files, pixels


def logistic(**classical: Any) -> Recipe:
    """A logistic regression on descriptors, which fits at once."""
    return from_dict(
        {
            "name": "tiny-logistic",
            "input": {"crop": SIDE, "size": SIDE},
            "classical": {"estimator": "logistic", "c": 0.1, **classical},
        }
    )


def network(**changes: Any) -> Recipe:
    """A network that trains in a second; `fit__epochs=2` sets fit.epochs."""
    own = {name.replace("__", "."): value for name, value in changes.items()}
    return NetworkRecipe("tiny").with_settings(FILE_SETTINGS | own)


def read_cells(table: Path) -> tuple[Cohort, Split]:
    """The cells with a split over persons and its parts."""
    cohort = hash_cells(read_cohort_table(table))
    split = split_cohort(cohort, "person", seed=1)
    return apply_split(cohort, split), split


def tiny_plan(
    table: Path, folder: Path, recipe: Recipe, space: dict[str, Any], **changes: Any
) -> Plan:
    """A plan for cells from `write_cells`."""
    cohort, split = read_cells(table)
    objective = changes.pop("objective", "auroc")
    if isinstance(recipe, NetworkRecipe):
        recipe = recipe.with_settings({"fit.monitor": objective})
    facts: dict[str, Any] = {
        "objective": objective,
        "trials": 3,
        "folds": 1,
        "seed": 0,
        "storage": None,
        "jobs": 1,
    }
    return Plan(
        folder=folder,
        cohort=without_test_cells(cohort, split),
        recipe=recipe,
        space=read_space(space, recipe),
        split=split,
        **(facts | changes),
    )


def run(plan: Plan) -> Study:
    """Work on a study until it is complete."""
    study = open_study(plan)
    with study_display(plan.trials) as display:
        work(plan, study, display)
    return publish(plan, study)


def states(study: optuna.Study) -> list[str]:
    """The state of each trial, in order."""
    return [trial.state.name for trial in study.get_trials()]


def end_heartbeats(study: optuna.Study) -> None:
    """Make the heartbeats of a study an hour old, as if their workers had been killed."""
    storage: Any = study._storage
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        storage.record_heartbeat(trial._trial_id)  # where the worker has not yet
        if isinstance(storage, JournalStorage):
            storage.set_trial_system_attr(trial._trial_id, BEAT, time.time() - 3600)
    if not isinstance(storage, JournalStorage):
        with storage._backend.engine.begin() as connection:
            change = "UPDATE trial_heartbeats SET heartbeat = '2000-01-01 00:00:00'"
            connection.exec_driver_sql(change)
