"""Trials whose worker is gone are tried again, with any storage."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from leukoscope.core.parts import HOST, part_of
from leukoscope.training.tuning import storage as storages
from leukoscope.training.tuning.sampler import suggest
from leukoscope.training.tuning.storage import RETRIES, experimental, origin
from leukoscope.training.tuning.study import Plan, open_study
from leukoscope.training.tuning.trials import HELD
from tests.root import ROOT
from tests.training.tuning.planned import end_heartbeats, logistic, run, states, tiny_plan

pytestmark = pytest.mark.slow(6)

AT_WORK = """
import sys, time
import optuna
from leukoscope.training.tuning.storage import open_storage
study = optuna.load_study(study_name=sys.argv[2], storage=open_storage(sys.argv[1]))
def objective(trial):
    trial.suggest_float("classical.c", 0.01, 1.0)
    time.sleep(1)  # until the first heartbeat is written
    print("at work", flush=True)
    time.sleep(600)
study.optimize(objective, n_trials=1)
"""


@pytest.fixture
def here(table: Path, tmp_path: Path) -> Plan:
    return tiny_plan(table, tmp_path / "x", logistic(), {"classical.c": "0.01..1"}, trials=2)


def fail_stale(study: optuna.Study) -> None:
    with experimental():
        optuna.storages.fail_stale_trials(study)


def the_trial(study: optuna.Study, number: int = 0) -> FrozenTrial:
    return study.get_trials()[number]


def test_the_trial_of_a_killed_worker_is_tried_again(here: Plan, storage: str) -> None:
    plan = replace(here, storage=storage)
    study = open_study(plan)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-c", AT_WORK, plan.place, plan.name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout
    assert process.stdout.readline() == "at work\n"
    fail_stale(study)
    assert states(study) == ["RUNNING"]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    fail_stale(study)
    assert states(study) == ["RUNNING"]  # nobody knows yet
    end_heartbeats(study)

    found = run(plan)
    assert [row.state for row in found.trials] == ["interrupted", "complete", "complete"]
    assert found.trials[1].settings == found.trials[0].settings
    assert origin(the_trial(study, 1)) == 0


def begun(plan: Plan, held: str) -> optuna.Study:
    """A study whose first trial is at work in a process that holds a part of this name."""
    study = open_study(plan)
    trial = study.ask()
    suggest(trial, plan.space)
    trial.set_user_attr(HELD, held)
    return study


def test_a_study_goes_on_at_once_after_a_kill_as_if_undisturbed(here: Plan, tmp_path: Path) -> None:
    undisturbed = run(replace(here, folder=tmp_path / "undisturbed", trials=3))
    plan = replace(here, trials=3)
    part = plan.folder / f".trial-0.{HOST}abcd.part"
    begun(plan, part.name)
    part.touch()  # the lock of a killed process is gone
    found = run(plan)
    assert [row.state for row in found.trials] == ["interrupted", *["complete"] * 3]
    again = [row.settings for row in found.trials[1:]]
    assert again == [row.settings for row in undisturbed.trials]


def test_a_trial_whose_process_holds_its_part_is_left_alone(here: Plan) -> None:
    with part_of(here.folder / "trial-0") as held:
        begun(here, held.name)
        assert states(open_study(here)) == ["RUNNING"]


@pytest.mark.parametrize("name", [".trial-0.{other}abcd.part", ".trial-0.{here}none.part"])
def test_a_part_of_another_machine_or_that_is_not_there_tells_nothing(
    here: Plan, name: str
) -> None:
    other = "0000" if HOST != "0000" else "1111"
    held = name.format(other=other, here=HOST)
    begun(here, held)
    if other in held:
        (here.folder / held).touch()
        os.utime(here.folder / held, (0, 0))  # old enough to be swept
    assert states(open_study(here)) == ["RUNNING"]


def test_a_worker_waits_for_the_trials_of_others_until_they_are_stale(
    here: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = open_study(here)
    trial = study.ask()
    suggest(trial, here.space)
    study._storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        end_heartbeats(study)

    monkeypatch.setattr(time, "sleep", sleep)
    assert [row.state for row in run(here).trials] == ["interrupted", "complete", "complete"]
    assert slept == [1]


def test_a_trial_with_heartbeats_is_left_alone_and_not_waited_for_long(
    here: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leukoscope.training.tuning.worker.GRACE", 0.01)
    study = open_study(here)
    trial = study.ask()
    study._storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
    assert [row.state for row in run(here).trials] == ["running", "complete"]
    study.tell(trial, 0.5)


def test_one_worker_alone_requeues_a_trial(here: Plan, storage: str) -> None:
    plan = replace(here, storage=storage)
    one, other = open_study(plan), open_study(plan)
    trial = one.ask()
    suggest(trial, plan.space)
    one._storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
    end_heartbeats(one)
    fail_stale(one)
    fail_stale(other)
    assert states(one) == ["FAIL", "WAITING"]


def test_settings_that_always_crash_the_process_are_given_up(here: Plan) -> None:
    study = open_study(here)
    for number in range(RETRIES + 1):
        trial = study.ask()
        assert trial.number == number
        suggest(trial, here.space)
        assert origin(trial) == 0
        study._storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
        end_heartbeats(study)
        fail_stale(study)
    assert states(study) == ["FAIL"] * (RETRIES + 1)
    assert [row.state for row in run(here).trials][RETRIES + 1 :] == ["complete"] * 2


def test_a_heartbeat_that_cannot_be_written_does_not_end_the_worker(
    here: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = open_study(here)
    trial = study.ask()

    def unreachable(*_: object) -> None:
        raise OSError("out of reach")

    monkeypatch.setattr(storages.RDBStorage, "record_heartbeat", unreachable)
    study._storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]


def test_a_trial_that_another_worker_took_over_is_no_error(
    here: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_study(here)

    def slow(*_: object) -> float:
        (running,) = other.get_trials(states=(TrialState.RUNNING,))
        while running.number == 0 and the_trial(other).state == TrialState.RUNNING:
            end_heartbeats(other)  # again, if the first heartbeat was not written yet
            fail_stale(other)
        return 0.5

    monkeypatch.setattr("leukoscope.training.tuning.worker.measure", slow)
    assert [row.state for row in run(here).trials] == ["interrupted", "complete", "complete"]


def test_a_trial_that_version_0_1_0_left_running_is_tried_again(here: Plan) -> None:
    study = open_study(here)
    trial = study.ask()
    suggest(trial, here.space)
    trial.set_user_attr("worker", {"host": "elsewhere", "sign": time.time() - 1000})
    found = run(here)
    assert [row.state for row in found.trials] == ["interrupted", "complete", "complete"]
    assert found.trials[1].settings == found.trials[0].settings
    assert origin(the_trial(study, 1)) == 0
