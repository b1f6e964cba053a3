from pathlib import Path

import optuna
import pytest

from leukoscope.training.tuning.display import describe_trial, estimate
from leukoscope.training.tuning.results import FEWEST, Row, Study, best_row, importance
from leukoscope.training.tuning.sampler import SeededSampler, settings_of, suggest
from leukoscope.training.tuning.study import Plan
from tests.training.tuning.planned import logistic, tiny_plan

NAN = float("nan")


@pytest.fixture
def plan(table: Path, tmp_path: Path) -> Plan:
    return tiny_plan(table, tmp_path, logistic(), {"classical.c": "0.01..1"})


def row(number: int, state: str, value: float = NAN, **more: object) -> Row:
    facts = {"epochs": 0, "seconds": 2.0, "settings": {}, "reason": ""} | more
    return Row(number, state, value, **facts)


ROWS = (
    row(0, "complete", 0.7, settings={"classical.c": 0.1}, epochs=3),
    row(1, "pruned", 0.9),
    row(2, "failed", reason="no luck"),
    row(3, "complete", 0.8),
    row(4, "complete", 0.8),
    row(5, "running"),
)


def test_the_best_is_complete_and_the_first_of_several(plan: Plan) -> None:
    best = best_row(plan, ROWS)
    assert best
    assert best.trial == 3
    object.__setattr__(plan, "objective", "loss")
    least = best_row(plan, ROWS)
    assert least
    assert least.trial == 0
    assert best_row(plan, ROWS[1:3]) is None


def test_a_trial_and_the_time_left_in_words(tmp_path: Path) -> None:
    study = Study(tmp_path, "auroc", ROWS, ROWS[3], None)
    assert describe_trial(ROWS[0], study) == (
        "trial 0  AUROC 0.7000  best 0.8000 (trial 3)  3 epochs  2 s  classical.c 0.1"
    )
    assert describe_trial(ROWS[2], study).endswith("failed  best 0.8000 (trial 3)  2 s  no luck")
    assert estimate(study, 30) == "; about 30 s left"  # 2 s each, by two workers


def test_importance_goes_to_the_setting_that_decides_and_takes_enough_trials() -> None:
    study = optuna.create_study(sampler=SeededSampler(0))
    for number in range(30):
        if number == FEWEST - 1:
            assert importance(study) == {}
        trial = study.ask()
        decides, idle = trial.suggest_float("decides", 0, 1), trial.suggest_float("idle", 0, 1)
        study.tell(trial, (decides - 0.3) ** 2 + 1e-4 * idle)
    share = importance(study)
    assert list(share) == ["decides", "idle"]
    assert share["decides"] > 0.9
    assert sum(share.values()) == pytest.approx(1)


def test_the_sampler_draws_nearer_to_what_is_good() -> None:
    early = late = 0.0
    for seed in range(4):
        study = optuna.create_study(sampler=SeededSampler(seed))
        for _ in range(40):
            trial = study.ask()
            study.tell(trial, (trial.suggest_float("x", 0, 1) - 0.3) ** 2)
        distance = [abs(trial.params["x"] - 0.3) for trial in study.get_trials()]
        early, late = early + sum(distance[:10]), late + sum(distance[-10:])
    assert late < 0.6 * early


def test_settings_are_short_numbers_within_their_range(plan: Plan) -> None:
    trial = optuna.create_study().ask()
    value = suggest(trial, plan.space)["classical.c"]
    assert len(f"{value:g}") <= 8
    assert settings_of({"classical.c": 0.123456}, plan.space) == {"classical.c": 0.1235}
    assert settings_of({"classical.c": 0.99999999}, plan.space) == {"classical.c": 1.0}
    assert settings_of({}, plan.space) == {}
