"""Signs of life of a running trial, and what becomes of one whose worker is gone.

A worker writes the time into the storage now and then, and holds a lock in the trial's folder. A
process that is killed loses the lock at once, which others on its machine see; those on other
machines wait until the signs stay away. The trial is then ended and its settings queued anew, and
the training goes on in its folder.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from leukoscope.core.errors import TuningError
from leukoscope.core.files import locked
from leukoscope.training.tuning.study import Plan

LOCK = "trial.lock"
SIGN, PATIENCE = 15.0, 120.0  # seconds between signs, and after the last one
MOST_CRASHES = 3  # settings that always take the process with them would stop a study for good


@contextmanager
def has_heartbeat(trial: Trial, folder: Path) -> Iterator[None]:
    """Show others that a trial is being worked on.

    Raises:
        TuningError: Another process is at work in its folder.
    """
    with locked(folder / LOCK, wait=False) as own:
        if not own:
            raise TuningError(f"{folder}: another process is at work here.")
        _give_sign(trial)
        ended = threading.Event()
        signs = threading.Thread(target=_give_signs, args=(trial, ended), daemon=True)
        signs.start()
        try:
            yield
        finally:
            ended.set()
            signs.join()


def _give_signs(trial: Trial, ended: threading.Event) -> None:
    while not ended.wait(SIGN):
        with suppress(Exception):  # a storage out of reach; the next sign may get through
            _give_sign(trial)


def _give_sign(trial: Trial) -> None:
    trial.set_user_attr("worker", {"host": socket.gethostname(), "sign": time.time()})


def is_stale(trial: FrozenTrial, folder: Path) -> bool:
    """Whether nobody works on a running trial any more."""
    lock, worker = folder / LOCK, trial.user_attrs.get("worker", {})
    if worker.get("host") == socket.gethostname() and lock.is_file():
        with locked(lock, wait=False) as free:
            return free
    began = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return time.time() - float(worker.get("sign", began)) > PATIENCE


def requeue_stale(plan: Plan, study: optuna.Study) -> list[int]:
    """Queue running trials whose worker is gone; returns their numbers."""
    found = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if is_stale(trial, plan.trial_folder(origin(trial)))
    ]
    return [trial.number for trial in found if requeue(study, trial, crashed=True)]


def requeue(study: optuna.Study, trial: FrozenTrial, *, crashed: bool) -> bool:
    """End a running trial as interrupted and queue its settings anew.

    Args:
        study: Of the trial.
        trial: Is running.
        crashed: Its process ended without a word; a trial does so a few times at most.

    Returns:
        Whether it was this call that ended it.
    """
    try:
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
        return False  # another worker was first
    crashes = int(trial.user_attrs.get("crashes", 0)) + crashed
    if trial.params and crashes < MOST_CRASHES:
        facts = {"origin": origin(trial), "crashes": crashes}
        study.enqueue_trial(trial.params, user_attrs=facts)
    return True


def origin(trial: FrozenTrial | Trial) -> int:
    """The number of the trial in whose folder this one trains: its own, or of that it goes on."""
    return int(trial.user_attrs.get("origin", trial.number))
