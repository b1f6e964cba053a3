"""Choose the values of a trial: Optuna's tree-structured Parzen estimator, seeded by the trial."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial

from leukoscope.core.renamed import current_name, current_value, first_name, first_value
from leukoscope.models.recipe.space import Choice, Space, Vary
from leukoscope.training.tuning.storage import experimental
from leukoscope.training.tuning.trials import rank

DIGITS = 4  # significant digits of a drawn number; more would be spurious


class SeededSampler(TPESampler):
    """Draws that depend on the study's seed, and on the trials before that count, alone.

    So a study that was stopped continues as it would have, whichever worker has the next trial: a
    trial that was interrupted and its repetition count once. The
    estimator considers all settings jointly, and the trials that run elsewhere: J. Bergstra et al.,
    "Algorithms for hyper-parameter optimization", NeurIPS 2011; S. Falkner et al., "BOHB", ICML
    2018.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._restart()

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Begin a trial with its own random numbers."""
        self._restart(rank(study.get_trials(deepcopy=False), trial.number))
        super().before_trial(study, trial)

    def _restart(self, *number: int) -> None:
        seed = int(np.random.SeedSequence((self.seed, *number)).generate_state(1)[0])
        with experimental():
            super().__init__(seed=seed, multivariate=True, constant_liar=True)


def suggest(trial: Trial, space: Space) -> dict[str, Any]:
    """Draw the settings of a trial, or take those that it already has."""
    return settings_of({name: _drawn(trial, name, vary) for name, vary in space.items()}, space)


def settings_of(drawn: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """The recipe settings that Optuna's parameters stand for; only those that were drawn."""
    known = {current_name(name): value for name, value in drawn.items()}
    return {name: _value(name, known[name], vary) for name, vary in space.items() if name in known}


def _drawn(trial: Trial, name: str, vary: Vary) -> Any:
    known = first_name(name)  # in the database
    if isinstance(vary, Choice):
        return trial.suggest_categorical(known, first_value(name, vary.labels))
    if vary.whole:
        return trial.suggest_int(known, int(vary.low), int(vary.high), log=vary.log)
    return trial.suggest_float(known, vary.low, vary.high, log=vary.log)


def _value(name: str, drawn: Any, vary: Vary) -> Any:
    if isinstance(vary, Choice):
        return vary.values[vary.labels.index(current_value(name, drawn))]
    if vary.whole:
        return int(drawn)
    return min(max(float(f"{drawn:.{DIGITS}g}"), vary.low), vary.high)
