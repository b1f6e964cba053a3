import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState

from leukoscope.core.errors import TuningError
from leukoscope.models.recipe.recipe import EstimatorRecipe, read_recipe
from leukoscope.training.tuning import worker
from leukoscope.training.tuning.study import open_study, without_test_cells
from leukoscope.training.tuning.trials import SURPLUS
from leukoscope.training.tuning.worker import has_room
from tests.training.tuning.planned import logistic, network, read_cells, run, tiny_plan

pytestmark = pytest.mark.slow(12)

C = {"classical.c": "1e-5..1e2:log", "classical.balance": "none,class,person"}


def test_as_many_trials_as_asked_for_in_all(table: Path, tmp_path: Path) -> None:
    plan = tiny_plan(table, tmp_path, logistic(), C, trials=3)
    assert len(run(plan).trials) == 3
    assert len(run(plan).trials) == 3
    assert len(run(tiny_plan(table, tmp_path, logistic(), C, trials=5)).trials) == 5


def test_a_study_goes_on_as_it_would_have(table: Path, tmp_path: Path) -> None:
    whole = run(tiny_plan(table, tmp_path / "one", logistic(), C, trials=12))
    for trials in (5, 11, 12):  # random draws first, then those that learn
        parts = run(tiny_plan(table, tmp_path / "two", logistic(), C, trials=trials))
    assert [row.settings for row in parts.trials] == [row.settings for row in whole.trials]
    assert [row.value for row in parts.trials] == [row.value for row in whole.trials]
    other = run(tiny_plan(table, tmp_path / "three", logistic(), C, trials=2, seed=1))
    assert other.trials[0].settings != whole.trials[0].settings


def test_an_interrupted_study_draws_what_it_would_have(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tiny_plan(table, tmp_path / "one", logistic(), C, trials=12))
    measured, calls = worker.measure, iter(range(100))

    def interrupted(*arguments: Any) -> float:
        if next(calls) in (0, 4, 5, 13):  # in random draws, twice in one trial, in learned ones
            raise KeyboardInterrupt
        return measured(*arguments)

    monkeypatch.setattr(worker, "measure", interrupted)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            run(tiny_plan(table, tmp_path / "two", logistic(), C, trials=12))
    parts = run(tiny_plan(table, tmp_path / "two", logistic(), C, trials=12))
    counted = [row for row in parts.trials if row.state != "interrupted"]
    assert len(parts.trials) == len(counted) + 4
    assert [row.settings for row in counted] == [row.settings for row in whole.trials]
    assert [row.value for row in counted] == [row.value for row in whole.trials]


def test_the_files_say_what_was_found(table: Path, tmp_path: Path) -> None:
    found = run(tiny_plan(table, tmp_path / "mine", logistic(), C))
    assert found.best
    assert found.recipe
    best = read_recipe(found.recipe)
    assert best.name == "tiny-logistic-tuned"
    assert f"trial {found.best.trial} of the study mine" in best.summary
    assert isinstance(best, EstimatorRecipe)
    assert best.classical.grids()["c"] == (found.best.settings["classical.c"],)
    lines = (tmp_path / "mine" / "trials.csv").read_text().splitlines()
    assert lines[0] == "trial,state,value,epochs,seconds,classical.c,classical.balance,reason"
    assert len(lines) == 4


def test_test_persons_have_no_part_in_it(table: Path, tmp_path: Path) -> None:
    cohort, split = read_cells(table)
    tested = cohort["part"] == "test"
    assert tested.any()
    kept = without_test_cells(cohort, split)
    assert set(kept["part"]) == {"train", "validation", ""}
    assert (kept["part"][tested] == "").all()
    honest = tiny_plan(table, tmp_path / "a", logistic(), C, objective="loss", trials=2)
    label = np.where(tested, 1 - cohort["label"], cohort["label"])
    lied = without_test_cells(cohort.with_columns(label=label), split)
    twisted = replace(honest, folder=tmp_path / "b", cohort=lied)
    assert [row.value for row in run(honest).trials] == [row.value for row in run(twisted).trials]


def test_settings_that_do_not_go_together_end_a_trial_and_not_the_study(
    table: Path, tmp_path: Path
) -> None:
    space = {"input.crop": "90,96", "input.size": "90,96"}  # descriptors want them equal
    found = run(tiny_plan(table, tmp_path, logistic(), space, trials=8))
    assert {row.state for row in found.trials} == {"complete", "impossible"}
    for row in found.trials:
        together = row.settings["input.crop"] == row.settings["input.size"]
        assert (row.state == "complete") == together
        assert ("out of range; input: " in row.reason) != together


def test_a_training_that_fails_is_a_trial_with_the_reason(table: Path, tmp_path: Path) -> None:
    recipe = network(fit__epochs=1, optimizer__name="sgd", loss__l2=1e6)
    space = {"optimizer.learning_rate": "1e-12,1e30"}
    found = run(tiny_plan(table, tmp_path, recipe, space, trials=4))
    assert {row.state for row in found.trials} == {"complete", "failed"}
    reasons = {row.reason for row in found.trials if row.state == "failed"}
    assert all("the loss is not a number" in reason for reason in reasons)


def test_a_study_in_which_nothing_works_stops(table: Path, tmp_path: Path) -> None:
    recipe = network(fit__epochs=1, optimizer__name="sgd", loss__l2=1e6)
    space = {"optimizer.learning_rate": "1e29,1e30"}
    plan = tiny_plan(table, tmp_path, recipe, space, trials=20)
    with pytest.raises(TuningError, match=r"none of the first 5 trials .*not a number"):
        run(plan)


def test_a_trial_below_the_others_is_stopped_early(table: Path, tmp_path: Path) -> None:
    space = {"optimizer.learning_rate": "0.02,0.01,1e-7"}
    plan = tiny_plan(table, tmp_path, network(), space, objective="loss", trials=8)
    found = run(plan)
    pruned = [row for row in found.trials if row.state == "pruned"]
    assert pruned
    for row in pruned:
        assert row.settings["optimizer.learning_rate"] == "1e-7"
        assert row.epochs == 3  # the first two are never judged
        assert "median" in row.reason
    assert {row.epochs for row in found.trials if row.state == "complete"} == {4}
    assert found.best
    assert found.best.settings["optimizer.learning_rate"] != "1e-7"
    assert not list(plan.folder.glob("trials/*/*.safetensors"))
    assert len(list(plan.folder.glob("trials/*/log.csv"))) == 8


def test_of_trials_begun_at_the_same_moment_the_first_are_kept(table: Path, tmp_path: Path) -> None:
    plan = tiny_plan(table, tmp_path, logistic(), C, trials=2)
    workers = [open_study(plan) for _ in range(3)]
    begun = [study.ask() for study in workers]  # each saw that there was room
    assert [has_room(plan, workers[0], trial.number) for trial in begun] == [True, True, False]
    for study, trial in zip(workers[:2], begun, strict=False):
        study.tell(trial, 0.5)
    begun[2].set_user_attr(SURPLUS, True)
    workers[2].tell(begun[2], state=TrialState.FAIL)
    assert [row.trial for row in run(plan).trials] == [0, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"objective": "loss"},
        {"folds": 2},
        {"storage": "journal:"},
    ],
    ids=str,
)
def test_another_study_in_its_folder_is_refused(
    table: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = tmp_path / "study"
    run(tiny_plan(table, folder, logistic(), C, trials=1))
    before = json.loads((folder / "study.json").read_text())
    if "storage" in change:
        change = {"storage": f"journal:{tmp_path / 'log'}"}
    with pytest.raises(TuningError, match="choose another --out"):
        open_study(tiny_plan(table, folder, logistic(), C, **change))
    assert json.loads((folder / "study.json").read_text()) == before


def test_another_study_of_its_name_in_the_storage_is_refused(
    table: Path, tmp_path: Path, storage: str
) -> None:
    run(tiny_plan(table, tmp_path / "a" / "x", logistic(), C, trials=1, storage=storage))
    with pytest.raises(TuningError, match="study 'x': holds a study with another"):
        open_study(tiny_plan(table, tmp_path / "b" / "x", logistic(), C, seed=1, storage=storage))


def test_a_study_can_be_moved(table: Path, tmp_path: Path) -> None:
    run(tiny_plan(table, tmp_path / "a" / "x", logistic(), C, trials=1))
    (tmp_path / "a").rename(tmp_path / "b")
    found = run(tiny_plan(table, tmp_path / "b" / "x", logistic(), C, trials=2))
    assert len(found.trials) == 2
