"""A worker: it takes one trial after the other until the study has as many as were asked for.

Any number of workers, here or on other machines, may work on one study; they know of each other by
its storage alone.
"""

from multiprocessing import parent_process
from pathlib import Path

import optuna
from optuna.trial import Trial, TrialState

from leukoscope.core.errors import DownloadError, RecipeError, TuningError
from leukoscope.core.interrupts import Deferred, deferred
from leukoscope.training.tuning.display import Display
from leukoscope.training.tuning.measure import Course, OnFigure, clear_weights, measure
from leukoscope.training.tuning.results import END, SURPLUS, counts, publish
from leukoscope.training.tuning.sampler import suggest
from leukoscope.training.tuning.stale_trials import has_heartbeat, origin, requeue, requeue_stale
from leukoscope.training.tuning.study import Plan

HOPELESS = 5  # trials that fail before any has a figure
End = tuple[TrialState, float | None, dict[str, object]]  # of a trial, with what is noted on it


def work(plan: Plan, study: optuna.Study, display: Display) -> None:
    """Run trials until there are enough; Ctrl-C is heard while one trains.

    Raises:
        TuningError: The first trials have all failed.
        LeukoscopeError: What no trial can go on without is missing.
    """
    while _parent_lives():
        with deferred() as waiting:
            for number in requeue_stale(plan, study):
                display.say(f"trial {number} was interrupted; its settings are tried again")
            trial = next_trial(plan, study)
            if trial is None:
                return
            _run(plan, study, trial, display, waiting)
            display.on_trial(publish(plan, study), trial.number)
            _check_hope(study)


def next_trial(plan: Plan, study: optuna.Study) -> Trial | None:
    """Take a queued trial or begin one; None when there are enough."""
    trials = study.get_trials(deepcopy=False)
    queued = any(trial.state == TrialState.WAITING for trial in trials)
    if not queued and sum(map(counts, trials)) >= plan.trials:
        return None
    trial = study.ask()
    return trial if has_room(plan, study, trial) else None


def has_room(plan: Plan, study: optuna.Study, trial: Trial) -> bool:
    """Whether a trial just begun is one of those asked for; else it is ended.

    Several workers may have begun one at the same moment. By number, all agree on who was first.
    """
    known = study.get_trials(deepcopy=False)
    if sum(counts(other) for other in known if other.number < trial.number) < plan.trials:
        return True
    trial.set_user_attr(SURPLUS, True)
    study.tell(trial, state=TrialState.FAIL)
    return False


def _run(
    plan: Plan, study: optuna.Study, trial: Trial, display: Display, waiting: Deferred
) -> None:
    """Run a trial to one of its ends and tell the study; Ctrl-C leaves it to be gone on with."""
    folder = plan.trial_folder(origin(trial))
    try:
        with has_heartbeat(trial, folder):  # until the study knows, or others would take it up
            state, value, facts = _attempt(plan, trial, folder, display, waiting)
            trial.set_user_attr(END, facts)
            study.tell(trial, value, state)
            clear_weights(folder)
    except optuna.exceptions.UpdateFinishedTrialError:
        display.say(f"trial {trial.number}: another worker took it over")
    except BaseException:
        mine = next(own for own in study.get_trials() if own.number == trial.number)
        requeue(study, mine, crashed=False)
        raise


def _attempt(plan: Plan, trial: Trial, folder: Path, display: Display, waiting: Deferred) -> End:
    """Train with a trial's settings. Whatever these are to blame for is an end, not an error."""
    course = Course(_stopping(trial), display.on_step(trial.number))
    try:
        recipe = plan.recipe.with_settings(suggest(trial, plan.space))
        with waiting.heard():
            value = measure(plan, recipe, folder, course)
        return TrialState.COMPLETE, value, _facts(course)
    except optuna.TrialPruned as pruned:
        return TrialState.PRUNED, None, _facts(course, reason=str(pruned))
    except RecipeError as error:
        # As pruned, for the sampler keeps away from those and forgets the failed.
        return TrialState.PRUNED, None, _facts(course, reason=_line(error), impossible=True)
    except (optuna.exceptions.OptunaError, DownloadError, OSError):
        raise  # of the storage, the network or the disk: it would be the same with any settings
    except Exception as error:
        return TrialState.FAIL, None, _facts(course, reason=_line(error))


def _stopping(trial: Trial) -> OnFigure:
    """What passes a trial's figures on, and ends it where they are below those of the others."""

    def on_figure(step: int, figure: float) -> None:
        with deferred():
            trial.report(figure, step)
            worse = trial.should_prune()
        if worse:
            raise optuna.TrialPruned(f"worse than the median of the others at step {step}")

    return on_figure


def _facts(course: Course, **more: object) -> dict[str, object]:
    return {"epochs": course.epochs, "seconds": course.seconds, **more}


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, RecipeError) else f"{type(error).__name__}: {text}"


def _check_hope(study: optuna.Study) -> None:
    """Stop a study in which nothing works.

    Raises:
        TuningError: It has trials, and none of them has a figure.
    """
    trials = study.get_trials(deepcopy=False)
    if any(trial.intermediate_values for trial in trials):
        return
    reasons = [trial.user_attrs[END]["reason"] for trial in trials if END in trial.user_attrs]
    if len(reasons) >= HOPELESS:
        raise TuningError(
            f"none of the first {len(reasons)} trials could be trained; the last one: {reasons[-1]}"
        )


def _parent_lives() -> bool:
    """Whether whoever started this process as a worker is still there."""
    parent = parent_process()
    return parent is None or parent.is_alive()
