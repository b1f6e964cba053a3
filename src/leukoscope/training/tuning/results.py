"""The result of a study: its trials as a table, and the best one as a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from leukoscope.core.files import locked
from leukoscope.core.renamed import current_name
from leukoscope.core.tables import write_table
from leukoscope.core.wording import count as counted
from leukoscope.models.recipe.recipe import Recipe, write_recipe
from leukoscope.models.recipe.space import label
from leukoscope.training.tuning.sampler import settings_of
from leukoscope.training.tuning.study import Plan
from leukoscope.training.tuning.trials import END, state_of

TABLE, BEST_RECIPE, WRITING = "trials.csv", "best.yaml", "writing.lock"
FEWEST = 10  # complete trials, below which importance would be noise


@dataclass(frozen=True)
class Row:
    """The result of a trial.

    Attributes:
        trial: Its number, from 0.
        state: "complete"; "pruned" (stopped early); "impossible" (settings that contradict each
            other); "failed"; "interrupted" (and queued again); "running"; "waiting".
        value: The objective; the last one reported by a pruned trial; nan if there is none.
        epochs: Epochs of a network, over all folds.
        seconds: Training time.
        settings: Recipe settings by dotted name.
        reason: Why it is not complete.
    """

    trial: int
    state: str
    value: float
    epochs: int
    seconds: float
    settings: dict[str, Any]
    reason: str


@dataclass(frozen=True)
class Study:
    """The result of tuning.

    Attributes:
        folder: The folder of the study.
        objective: The metric that was optimized.
        trials: All trials, in order.
        best: The best complete trial, if there is one.
        recipe: The recipe file of the best trial.
    """

    folder: Path
    objective: str
    trials: tuple[Row, ...]
    best: Row | None
    recipe: Path | None

    def __repr__(self) -> str:
        best = ""
        if self.best is not None:
            best = f", best {self.objective} {self.best.value:.4f} in trial {self.best.trial}"
        return f"<Study {str(self.folder)!r}: {counted(len(self.trials), 'trial')}{best}>"

    def count(self, state: str) -> int:
        """The number of trials in a state."""
        return sum(row.state == state for row in self.trials)


def read_rows(plan: Plan, study: optuna.Study) -> tuple[Row, ...]:
    """All trials, in order."""
    return tuple(
        _row(plan, trial)
        for trial in study.get_trials(deepcopy=False)
        if state_of(trial) != "surplus"
    )


def best_row(plan: Plan, rows: Sequence[Row]) -> Row | None:
    """The complete trial with the best value, the first of several."""
    complete = [row for row in rows if row.state == "complete"]
    if not complete:
        return None
    return (min if plan.minimizes else max)(complete, key=lambda row: row.value)


def publish(plan: Plan, study: optuna.Study) -> Study:
    """Write trials.csv and best.yaml."""
    # One worker at a time reads and writes, so that no older state replaces a newer one.
    with locked(plan.folder / WRITING):
        rows = read_rows(plan, study)
        _write_rows(plan, rows)
        best, path = best_row(plan, rows), None
        if best:
            path = plan.folder / BEST_RECIPE
            write_recipe(best_recipe(plan, best), path)
    return Study(plan.folder, plan.objective, rows, best, path)


def best_recipe(plan: Plan, best: Row) -> Recipe:
    """The recipe of the best trial, under a new name."""
    base = plan.recipe.with_settings(best.settings)
    where = f"over {plan.folds} folds of persons" if plan.folds > 1 else "on validation persons"
    summary = (
        f"{plan.recipe.name}, tuned: trial {best.trial} of the study {plan.name}, "
        f"{plan.objective} {best.value:.4f} {where}."
    )
    return base.with_settings({"name": f"{plan.recipe.name[:93]}-tuned", "summary": summary})


def importance(study: optuna.Study, seed: int = 0) -> dict[str, float]:
    """Fraction of the objective's variance that each setting explains; the largest first.

    By a random forest over the complete trials: F. Hutter et al., "An efficient approach for
    assessing hyperparameter importance", ICML 2014. Empty below `FEWEST` complete trials.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < FEWEST:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
    fraction = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {current_name(name): float(value) for name, value in fraction.items()}


def _row(plan: Plan, trial: FrozenTrial) -> Row:
    reported = trial.intermediate_values
    last = reported[max(reported)] if reported else float("nan")
    state, facts = state_of(trial), trial.user_attrs.get(END, {})
    drawn = trial.params or trial.system_attrs.get("fixed_params", {})
    return Row(
        trial.number,
        state,
        trial.value if trial.value is not None else last,
        int(facts.get("epochs", 0)),
        float(facts.get("seconds", 0.0)),
        settings_of(drawn, plan.space),
        str(facts.get("reason", "")),
    )


def _write_rows(plan: Plan, rows: Sequence[Row]) -> None:
    columns: dict[str, Any] = {
        name: np.array([getattr(row, name) for row in rows])
        for name in ("trial", "state", "value", "epochs", "seconds")
    }
    columns["seconds"] = columns["seconds"].astype(float).round(2)
    for name in plan.space:
        columns[name] = [label(row.settings[name]) if name in row.settings else "" for row in rows]
    columns["reason"] = [row.reason for row in rows]
    write_table(plan.folder / TABLE, columns)
