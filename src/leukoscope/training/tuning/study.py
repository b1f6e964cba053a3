"""A study: what is tuned on which persons, and the file or database that knows its trials."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from sqlalchemy import URL

from leukoscope.core.errors import TuningError
from leukoscope.core.files import write_text
from leukoscope.core.renamed import first_names
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.splits.partition import Split, check_disjoint, write_split
from leukoscope.models.recipe.recipe import Recipe, write_recipe
from leukoscope.models.recipe.settings import Monitor
from leukoscope.models.recipe.space import Space, plain
from leukoscope.training.tuning.sampler import SeededSampler
from leukoscope.training.tuning.storage import open_storage, shown

DATABASE, FACTS, SPACE = "study.sqlite3", "study.json", "space.yaml"
RECIPE, SPLIT, TRIALS = "recipe.yaml", "split.json", "trials"
USED = ("train", "validation")
# A trial is stopped where its best figure so far is below the median of the others' at that epoch:
# D. Golovin et al., "Google Vizier", KDD 2017. Not among the first five trials, nor before step 3.
PRUNING = {"n_startup_trials": 5, "n_warmup_steps": 3}


@dataclass(frozen=True)
class Plan:
    """Everything that a worker needs to know.

    Attributes:
        folder: Of the study.
        cohort: Hashed cells with label and person. `part` is "train" or "validation"; that of all
            others is "", and no trial sees those.
        recipe: What is tuned.
        space: Which settings, over which values.
        split: How the parts were made.
        objective: The figure to go by.
        trials: How many, by all workers together.
        folds: 1 for the validation part; else so many folds over the persons of both parts.
        seed: Of draws, folds and trainings.
        storage: "journal:PATH", or the URL of a database; a file in the folder by default.
        jobs: Threads.
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
        """What the storage knows the study by: the name of its folder."""
        return self.folder.resolve().name

    @property
    def minimizes(self) -> bool:
        """Whether less is better."""
        return self.objective == "loss"

    @property
    def place(self) -> str:
        """The storage, also where it is the folder's own."""
        own = URL.create("sqlite", database=str(self.folder.resolve() / DATABASE))
        return self.storage or own.render_as_string()

    @property
    def shown_storage(self) -> str:
        """The storage as it may be printed; the folder's own moves with it."""
        return shown(self.storage) if self.storage else DATABASE

    def trial_folder(self, number: int) -> Path:
        """Where a trial trains."""
        return self.folder / TRIALS / f"{number:04d}"


def held_out(cohort: Cohort, split: Split) -> Cohort:
    """The labeled cells, of which all but those for training and validation have lost their part.

    Args:
        cohort: Cells with label, person and part.
        split: How the parts were made.

    Raises:
        LeakageError: A split that claims to be honest has a person, image or cell on two sides.
    """
    cohort = cohort.select(np.flatnonzero(cohort["label"] != UNKNOWN))
    if not split.leaky:
        check_disjoint(cohort)
    part = cohort["part"]
    return cohort.with_columns(part=np.where(np.isin(part, USED), part, ""))


def open_study(plan: Plan) -> optuna.Study:
    """Open a study, or begin it; the folder says what it is about.

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
    _write_facts(plan, key)
    return study


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
    """What makes two studies the same: all that decides the figure of a trial."""
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
            f"{path}: is damaged; choose another --out, or remove this folder to start anew."
        ) from error


def _other(where: str) -> TuningError:
    return TuningError(
        f"{where}: holds a study with another recipe, space, objective, seed, storage or other "
        "cells; choose another --out, or give the command that began it."
    )
