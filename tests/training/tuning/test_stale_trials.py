import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial

from leukoscope.core.errors import TuningError
from leukoscope.training.tuning import stale_trials
from leukoscope.training.tuning.sampler import suggest
from leukoscope.training.tuning.stale_trials import (
    MOST_CRASHES,
    PATIENCE,
    has_heartbeat,
    is_stale,
    origin,
    requeue,
    requeue_stale,
)
from leukoscope.training.tuning.study import Plan, open_study
from tests.training.tuning.planned import logistic, run, states, tiny_plan

HOLDS = """
import sys, time
import optuna
from leukoscope.training.tuning.stale_trials import has_heartbeat
from leukoscope.training.tuning.storage import open_storage
from pathlib import Path
study = optuna.load_study(study_name=sys.argv[2], storage=open_storage(sys.argv[1]))
trial = study.ask()
trial.suggest_float("classical.c", 0.01, 1.0)
with has_heartbeat(trial, Path(sys.argv[3]) / f"{trial.number:04d}"):
    print("at work", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def here(table: Path, tmp_path: Path) -> Plan:
    return tiny_plan(table, tmp_path / "x", logistic(), {"classical.c": "0.01..1"}, trials=2)


def the_trial(study: optuna.Study, number: int = 0) -> FrozenTrial:
    return study.get_trials()[number]


def test_a_killed_worker_is_noticed_at_once_and_its_trial_tried_again(
    here: Plan, tmp_path: Path
) -> None:
    plan = replace(here, storage=f"journal:{tmp_path / 'study.log'}")
    study = open_study(plan)
    arguments = [plan.place, plan.name, str(plan.folder / "trials")]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "at work\n"
    assert requeue_stale(plan, study) == []
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    found = run(plan)
    assert [row.state for row in found.trials] == ["interrupted", "complete", "complete"]
    assert found.trials[1].settings == found.trials[0].settings
    assert origin(the_trial(study, 1)) == 0
    assert {path.name for path in (plan.folder / "trials").iterdir()} == {"0000", "0002"}


def sign(study: optuna.Study) -> float:
    return float(the_trial(study).user_attrs["worker"]["sign"])


def test_signs_from_another_machine(here: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    study = open_study(here)
    trial = study.ask()
    folder = here.trial_folder(0)
    monkeypatch.setattr(stale_trials, "SIGN", 0.01)
    with has_heartbeat(trial, folder):
        first = sign(study)
        while sign(study) == first:
            time.sleep(0.01)  # until there is another
    trial.set_user_attr("worker", {"host": "elsewhere", "sign": time.time()})
    assert not is_stale(the_trial(study), folder)
    trial.set_user_attr("worker", {"host": "elsewhere", "sign": time.time() - PATIENCE - 1})
    assert is_stale(the_trial(study), folder)


def test_a_worker_that_is_only_slow_keeps_its_trial(here: Plan) -> None:
    study = open_study(here)
    trial = study.ask()
    with has_heartbeat(trial, here.trial_folder(0)):
        worker = the_trial(study).user_attrs["worker"]
        trial.set_user_attr("worker", worker | {"sign": time.time() - 10 * PATIENCE})
        assert requeue_stale(here, study) == []
        with (
            pytest.raises(TuningError, match="at work here"),
            has_heartbeat(trial, here.trial_folder(0)),
        ):
            pass
    assert requeue_stale(here, study) == [0]


def test_one_worker_alone_hands_a_trial_on(here: Plan) -> None:
    one, other = open_study(here), open_study(here)
    trial = one.ask()
    suggest(trial, here.space)
    mine = the_trial(one)
    assert [requeue(study, mine, crashed=True) for study in (one, other)] == [True, False]
    assert states(one) == ["FAIL", "WAITING"]


def test_settings_that_take_the_process_with_them_are_left_in_the_end(here: Plan) -> None:
    study = open_study(here)
    for number in range(MOST_CRASHES):
        trial = study.ask()
        assert trial.number == number
        suggest(trial, here.space)
        requeue(study, the_trial(study, number), crashed=True)
    assert states(study) == ["FAIL"] * MOST_CRASHES
    assert [row.state for row in run(here).trials][MOST_CRASHES:] == ["complete"] * 2


def test_stopping_by_hand_is_no_crash(here: Plan) -> None:
    study = open_study(here)
    for number in range(MOST_CRASHES + 1):
        trial = study.ask()
        suggest(trial, here.space)
        requeue(study, the_trial(study, number), crashed=False)
    assert states(study)[-1] == "WAITING"
