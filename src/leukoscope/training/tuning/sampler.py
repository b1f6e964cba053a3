"""Which values a trial tries: Optuna's tree-structured Parzen estimator, seeded by the trial."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from leukoscope.core.renamed import current_name, first_name
from leukoscope.models.recipe.space import Choice, Space, Vary

DIGITS = 4  # of a value; more would say nothing


class SeededSampler(BaseSampler):
    """Draws of a trial that depend on the study's seed, its number and the trials before it alone.

    So a study that was stopped goes on as it would have, whichever worker has the next trial. The
    estimator looks at all settings together and knows what runs elsewhere: J. Bergstra et al.,
    "Algorithms for hyper-parameter optimization", NeurIPS 2011; S. Falkner et al., "BOHB", ICML
    2018.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._inner = _estimator(np.random.SeedSequence(seed))

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Begin a trial with its own draws."""
        self._inner = _estimator(np.random.SeedSequence((self.seed, trial.number)))

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As Optuna asks it: what is drawn together."""
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As Optuna asks it: settings drawn together."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As Optuna asks it: one setting."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Any,
    ) -> None:
        """As Optuna asks it: the end of a trial."""
        self._inner.after_trial(study, trial, state, values)


def suggest(trial: Trial, space: Space) -> dict[str, Any]:
    """Draw the settings of a trial, or take those that it already has."""
    names = {name: first_name(name) for name in space}  # as the database knows them
    drawn = {names[name]: _drawn(trial, names[name], vary) for name, vary in space.items()}
    return settings_of(drawn, space)


def settings_of(drawn: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """The settings of a recipe that Optuna's parameters stand for; those that were drawn."""
    known = {current_name(name): value for name, value in drawn.items()}
    return {name: _value(known[name], vary) for name, vary in space.items() if name in known}


def _drawn(trial: Trial, name: str, vary: Vary) -> Any:
    if isinstance(vary, Choice):
        return trial.suggest_categorical(name, vary.labels)
    if vary.whole:
        return trial.suggest_int(name, int(vary.low), int(vary.high), log=vary.log)
    return trial.suggest_float(name, vary.low, vary.high, log=vary.log)


def _value(drawn: Any, vary: Vary) -> Any:
    if isinstance(vary, Choice):
        return vary.values[vary.labels.index(drawn)]
    if vary.whole:
        return int(drawn)
    return min(max(float(f"{drawn:.{DIGITS}g}"), vary.low), vary.high)


def _estimator(seed: np.random.SeedSequence) -> TPESampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(
            seed=int(seed.generate_state(1)[0]), multivariate=True, constant_liar=True
        )
