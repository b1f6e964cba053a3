import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.models.recipe.settings import Schedule
from leukoscope.training.network.schedule import best_epoch, learning_rate, score, should_stop

values = st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]) | st.floats(0, 1), max_size=25)
some = values.filter(bool)


@given(values, st.integers(0, 4), st.sampled_from([0.1, 0.3, 0.5]))
def test_plateau_is_that_of_torch(scores: list[float], patience: int, factor: float) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=factor, patience=patience, threshold=0, eps=0
    )
    settings = Schedule("plateau", factor=factor, patience=patience)
    for done in range(len(scores) + 1):
        ours = learning_rate(0.1, settings, 100, scores[:done])
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        if done < len(scores):
            reference.step(scores[done])


@given(st.integers(2, 60), st.integers(0, 5))
def test_cosine_is_the_closed_form(epochs: int, warmup: int) -> None:
    settings = Schedule("cosine", warmup=min(warmup, epochs - 1))
    rates = [learning_rate(2.0, settings, epochs, [0.0] * done) for done in range(epochs)]
    start = settings.warmup
    for epoch, rate in enumerate(rates):
        if epoch < start:
            assert rate == pytest.approx(2.0 * (epoch + 1) / (start + 1))
        else:
            angle = math.pi * (epoch - start) / (epochs - start)
            assert rate == pytest.approx(0.02 + 1.98 * math.cos(angle / 2) ** 2)
    assert rates[start] == max(rates) == pytest.approx(2.0)
    assert all(later < sooner for sooner, later in pairwise(rates[start:]))


@given(values, st.integers(0, 5))
def test_constant_is_constant_after_its_warmup(scores: list[float], warmup: int) -> None:
    rate = learning_rate(0.5, Schedule("constant", warmup=warmup), 30, scores)
    assert rate == 0.5 if len(scores) >= warmup else 0 < rate < 0.5


@given(some)
def test_best_epoch_is_the_first_highest(scores: list[float]) -> None:
    assert best_epoch(scores) == scores.index(max(scores))


@given(some, st.integers(1, 6))
def test_stops_after_patience_epochs_without_a_better_one(
    scores: list[float], patience: int
) -> None:
    recent, before = scores[-patience:], scores[:-patience]
    assert should_stop(scores, patience) == (bool(before) and max(recent) <= max(before))


def test_nothing_stops_before_the_first_epoch() -> None:
    assert not should_stop([], 1)


@given(some, st.integers(1, 6), st.integers(0, 25))
def test_a_resumed_run_decides_as_the_uninterrupted(
    scores: list[float], patience: int, cut: int
) -> None:
    """What is decided at an epoch depends on the epochs before it, not on any state."""
    settings = Schedule("plateau", patience=patience)
    at = min(cut, len(scores))
    again = learning_rate(1, settings, 30, list(scores[:at]))
    assert learning_rate(1, settings, 30, scores[:at]) == again
    if at and should_stop(scores[:at], patience):
        assert len(scores[:at]) > patience


def test_score_turns_loss_round_and_puts_undefined_last() -> None:
    assert score("loss", 0.2) > score("loss", 0.3)
    assert score("auroc", 0.9) > score("auroc", 0.8)
    assert score("auroc", math.nan) == score("loss", math.nan) == -math.inf
    assert best_epoch([-math.inf, 0.1]) == 1
