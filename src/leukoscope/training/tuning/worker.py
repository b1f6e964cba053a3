"""A worker: it runs one trial after the other until the study has as many as were asked for.

Any number of workers, here or on other machines, may work on one study; they know of each other by
its storage alone.
"""

import logging
import time
from collections.abc import Callable
from multiprocessing import parent_process

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial, TrialState

from leukoscope.core.errors import DownloadError, RecipeError, TuningError
from leukoscope.core.interrupts import Deferred, deferred
from leukoscope.core.parts import part_of
from leukoscope.training.tuning.display import Display
from leukoscope.training.tuning.measure import Progress, clear_weights, measure
from leukoscope.training.tuning.results import publish
from leukoscope.training.tuning.sampler import suggest
from leukoscope.training.tuning.storage import GRACE, experimental, origin
from leukoscope.training.tuning.study import Plan
from leukoscope.training.tuning.trials import END, HELD, SURPLUS, is_requested, rank

log = logging.getLogger(__name__)

HOPELESS = 5  # trials that fail before any has a value


class TrialFailedError(Exception):
    """A trial ended without a value, and the study continues."""


def work(plan: Plan, study: optuna.Study, display: Display) -> None:
    """Run trials until there are enough; Ctrl-C is handled while one trains.

    Raises:
        TuningError: The first trials have all failed.
        LeukoscopeError: Something that every trial needs is missing.
    """
    waiting_since = None
    while _parent_is_alive():
        with deferred() as interrupts:
            with experimental():
                optuna.storages.fail_stale_trials(study)
            if not is_complete(plan, study):
                _run_trial(plan, study, display, interrupts)
                continue
            # Those of other workers are finished, or known to be alive, or stale after that time.
            running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            waiting_since = waiting_since or time.monotonic()
            if not running or time.monotonic() - waiting_since > GRACE:
                return
            with interrupts.heard():
                time.sleep(1)


def is_complete(plan: Plan, study: optuna.Study) -> bool:
    """True if no trial is queued, and there are as many as were asked for."""
    trials = study.get_trials(deepcopy=False)
    queued = any(trial.state == TrialState.WAITING for trial in trials)
    return not queued and sum(map(is_requested, trials)) >= plan.trials


def has_room(plan: Plan, study: optuna.Study, number: int) -> bool:
    """True if a trial just begun is one of those asked for.

    Several workers may have begun one at the same moment. By number, all agree on who was first.
    """
    return rank(study.get_trials(deepcopy=False), number) < plan.trials


def _run_trial(plan: Plan, study: optuna.Study, display: Display, interrupts: Deferred) -> None:
    trials: list[Trial] = []

    def objective(trial: Trial) -> float:
        trials.append(trial)
        if not has_room(plan, study, trial.number):
            trial.set_user_attr(SURPLUS, True)
            raise TrialFailedError
        with part_of(plan.folder / f"trial-{trial.number}") as held:
            trial.set_user_attr(HELD, held.name)
            return _value(plan, study, trial, display, interrupts)

    try:
        study.optimize(objective, n_trials=1, catch=(TrialFailedError,))
    except ValueError:  # Optuna's, for a trial that is finished already
        log.warning("trial %d: another worker took it over", trials[0].number)
    display.on_trial(publish(plan, study), trials[0].number)
    _check_any_value(study)


def _value(
    plan: Plan, study: optuna.Study, trial: Trial, display: Display, interrupts: Deferred
) -> float:
    """Train with a trial's settings. A failure due to these ends the trial, and not the study."""
    folder = plan.trial_folder(origin(trial))
    progress = Progress(_report(trial), display.on_step(trial.number))

    def end(**facts: object) -> None:
        facts = {"epochs": progress.epochs, "seconds": progress.seconds, **facts}
        trial.set_user_attr(END, facts)
        clear_weights(folder)

    try:
        recipe = plan.recipe.with_settings(suggest(trial, plan.space))
        with interrupts.heard():
            value = measure(plan, recipe, folder, progress)
        end()
        return value
    except optuna.TrialPruned as pruned:
        end(reason=str(pruned))
        raise
    except RecipeError as error:
        # Reported as pruned: the sampler avoids pruned settings, but ignores failed ones.
        end(reason=_line(error), impossible=True)
        raise optuna.TrialPruned from error
    except UpdateFinishedTrialError:
        raise
    except (KeyboardInterrupt, optuna.exceptions.OptunaError, DownloadError, OSError):
        # A stop by hand, or a fault of storage, network or disk: the settings are not the cause.
        study.enqueue_trial(trial.params, user_attrs={"origin": origin(trial)})
        raise
    except Exception as error:
        end(reason=_line(error))
        raise TrialFailedError from error


def _report(trial: Trial) -> Callable[[int, float], None]:
    """Pass a trial's values to the study, and end it if they are worse than those of the others."""

    def report(step: int, value: float) -> None:
        with deferred():
            trial.report(value, step)
            worse = trial.should_prune()
        if worse:
            raise optuna.TrialPruned(f"worse than the median of the others at step {step}")

    return report


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, RecipeError) else f"{type(error).__name__}: {text}"


def _check_any_value(study: optuna.Study) -> None:
    """Stop a study in which nothing works.

    Raises:
        TuningError: It has trials, and none of them has a value.
    """
    trials = study.get_trials(deepcopy=False)
    if any(trial.intermediate_values for trial in trials):
        return
    ends = [trial.user_attrs[END] for trial in trials if END in trial.user_attrs]
    if len(ends) >= HOPELESS:
        raise TuningError(
            f"none of the first {len(ends)} trials could be trained; the last one: "
            f"{ends[-1].get('reason', '')}"
        )


def _parent_is_alive() -> bool:
    """False in a worker whose starting process is gone."""
    parent = parent_process()
    return parent is None or parent.is_alive()
