"""A study: the recipe, space and persons of its trials, and the storage that records them."""

import copy
import hashlib
import json
import time
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState
from sqlalchemy import URL

from leukoscope.core.errors import TuningError
from leukoscope.core.files import write_text
from leukoscope.core.parts import HOST, sweep
from leukoscope.core.renamed import first_names
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.splits.partition import Split, check_disjoint, write_split
from leukoscope.models.recipe.recipe import Recipe, write_recipe
from leukoscope.models.recipe.settings import Monitor
from leukoscope.models.recipe.space import Space, plain
from leukoscope.training.tuning.sampler import SeededSampler
from leukoscope.training.tuning.storage import GRACE, open_storage, origin, retry, shown
from leukoscope.training.tuning.trials import HELD

DATABASE, FACTS, SPACE = "study.sqlite3", "study.json", "space.yaml"
RECIPE, SPLIT, TRIALS = "recipe.yaml", "split.json", "trials"
USED = ("train", "validation")
# A trial is stopped if its best value so far is worse than the median of the others at that epoch:
# D. Golovin et al., "Google Vizier", KDD 2017. Not among the first five trials, nor before step 3.
PRUNING = {"n_startup_trials": 5, "n_warmup_steps": 3}


@dataclass(frozen=True)
class Plan:
    """Everything that a worker needs to know about a study.

    Attributes:
        folder: The folder of the study.
        cohort: Hashed cells with label and person. `part` is "train" or "validation", and "" for
            all others, which no trial sees.
        recipe: The recipe to tune.
        space: The settings to vary, and their values.
        split: How the subsets were made.
        objective: The metric on validation persons to optimize.
        trials: The number of trials, by all workers together.
        folds: 1 for the validation subset; otherwise folds over the persons of both subsets.
        seed: Random seed of draws, folds and trainings.
        storage: "journal:PATH", or the URL of a database; None for a file in the folder.
        jobs: Number of threads.
    """

    folder: Path
    cohort: Cohort
    recipe: Recipe
    space: Space
    split: Split
    objective: Monitor
    trials: int
    folds: int
    seed: int
    storage: str | None
    jobs: int

    @property
    def name(self) -> str:
        """The study's name in the storage: that of its folder."""
        return self.folder.resolve().name

    @property
    def minimizes(self) -> bool:
        """True if a lower value is better."""
        return self.objective == "loss"

    @property
    def place(self) -> str:
        """The storage, also if it is the folder's own."""
        own = URL.create("sqlite", database=str(self.folder.resolve() / DATABASE))
        return self.storage or own.render_as_string()

    @property
    def shown_storage(self) -> str:
        """The storage as it may be printed; the folder's own moves with it."""
        return shown(self.storage) if self.storage else DATABASE

    def trial_folder(self, number: int) -> Path:
        """The folder in which a trial trains."""
        return self.folder / TRIALS / f"{number:04d}"


def without_test_cells(cohort: Cohort, split: Split) -> Cohort:
    """The labeled cells, with the part "" for all that are not for training or validation.

    Args:
        cohort: Cells with label, person and part.
        split: How the subsets were made.

    Raises:
        LeakageError: A split that claims to be honest has a person, image or cell on two sides.
    """
    cohort = cohort.select(np.flatnonzero(cohort["label"] != UNKNOWN))
    if not split.leaky:
        check_disjoint(cohort)
    part = cohort["part"]
    return cohort.with_columns(part=np.where(np.isin(part, USED), part, ""))


def open_study(plan: Plan) -> optuna.Study:
    """Open a study or begin it, and write what it is about into its folder.

    Raises:
        TuningError: The folder or the storage holds another study, or the storage cannot be used.
    """
    key, path = _key(plan), plan.folder / FACTS
    plan.folder.mkdir(parents=True, exist_ok=True)
    if path.is_file() and _known(path) != (key, plan.shown_storage):
        raise _other(str(plan.folder))
    study = optuna.create_study(
        storage=open_storage(plan.place),
        study_name=plan.name,
        direction="minimize" if plan.minimizes else "maximize",
        sampler=SeededSampler(plan.seed),
        pruner=optuna.pruners.MedianPruner(**PRUNING),
        load_if_exists=True,
    )
    if study.user_attrs.get("key", key) != key:
        raise _other(f"{plan.shown_storage}, study {plan.name!r}")
    study.set_user_attr("key", key)
    _requeue_killed(plan, study)  # before anything is written there, which sweeps the folder too
    _write_facts(plan, key)
    _requeue_0_1_0(study)
    return study


def _requeue_killed(plan: Plan, study: optuna.Study) -> None:
    """Requeue the trials of killed processes of this machine; others wait for the heartbeat.

    A process at work holds a part in the folder of the study; see `core.parts`.
    """
    freed = {part.name for part in sweep(plan.folder) if f".{HOST}" in part.name}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.user_attrs.get(HELD) in freed:
            study.tell(trial.number, state=TrialState.FAIL)
            retry(study, copy.deepcopy(trial))


def _requeue_0_1_0(study: optuna.Study) -> None:
    """Requeue trials that version 0.1.0 left running; it kept its heartbeat in an attribute."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if time.time() - trial.user_attrs.get("worker", {}).get("sign", inf) > GRACE:
            study.tell(trial.number, state=TrialState.FAIL)
            study.enqueue_trial(trial.params, user_attrs={"origin": origin(trial)})


def _write_facts(plan: Plan, key: str) -> None:
    import yaml

    facts = {
        "key": key,
        "storage": plan.shown_storage,
        "recipe": plan.recipe.name,
        "objective": plan.objective,
        "folds": plan.folds,
        "seed": plan.seed,
    }
    write_recipe(plan.recipe, plan.folder / RECIPE)
    write_split(plan.split, plan.folder / SPLIT)
    write_text(plan.folder / SPACE, yaml.safe_dump(plain(plan.space), sort_keys=False))
    write_text(plan.folder / FACTS, json.dumps(facts, indent=1) + "\n")


def _key(plan: Plan) -> str:
    """A hash of everything that decides the value of a trial: equal for the same study."""
    cells = [plan.cohort[name].tolist() for name in ("sha256", "part", "label", "person")]
    settings = first_names([plan.recipe.to_dict(), plain(plan.space)])
    facts: list[Any] = [*settings, plan.objective, plan.folds]
    text = json.dumps([*facts, plan.seed, cells], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _known(path: Path) -> tuple[str, str]:
    try:
        facts = json.loads(path.read_text("utf-8"))
        return str(facts["key"]), str(facts["storage"])
    except (ValueError, KeyError, TypeError) as error:
        raise TuningError(
            f"{path}: is damaged; choose another --out, or remove this folder to start again."
        ) from error


def _other(where: str) -> TuningError:
    return TuningError(
        f"{where}: holds a study with another recipe, space, objective, seed, storage or other "
        "cells; choose another --out, or repeat the command that began it."
    )
