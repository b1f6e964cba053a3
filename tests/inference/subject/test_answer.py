"""The answer for a subject: honest with few cells, monotone, and uncertain for mixtures."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.verdicts import SubjectVerdict
from leukoscope.inference.subject.answer import answer_subject
from leukoscope.inference.subject.mixture import blast_fraction
from leukoscope.inference.subject.model import (
    ClassEffects,
    SubjectModel,
    in_context,
    log_odds,
)

MODEL = SubjectModel(
    normal=ClassEffects(-1.0, 0.25, 0.5, 0.1, 10),
    leukemic=ClassEffects(1.0, 0.25, 0.5, 0.1, 20),
    low=-2.5,
    high=2.5,
    inflation=1.5,
    context_temperature=0.5,
    part="cross-validation",
)


def cells(mean: float, number: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.5, number)


@pytest.mark.parametrize(("mean", "verdict"), [(1.0, "leukemic"), (-1.0, "normal")])
def test_a_population_of_one_class_gets_its_verdict(mean: float, verdict: str) -> None:
    answer = answer_subject(MODEL, cells(mean, 60))
    assert (answer.verdict, answer.reason, answer.cells) == (verdict, "", 60)
    assert answer.low is not None
    assert answer.high is not None
    assert answer.probability is not None
    assert answer.low < answer.probability < answer.high


def test_no_cell_gives_no_number() -> None:
    answer = answer_subject(MODEL, [])
    assert answer.verdict is SubjectVerdict.UNCERTAIN
    assert answer.reason
    assert (answer.cells, answer.probability, answer.blasts) == (0, None, None)


@pytest.mark.parametrize("number", [1, 4])
def test_few_cells_give_a_probability_but_no_verdict(number: int) -> None:
    answer = answer_subject(MODEL, [2.0] * number)
    assert answer.verdict is SubjectVerdict.UNCERTAIN
    assert str(number) in answer.reason
    assert answer.probability is not None
    assert answer.probability > 0.5
    assert answer.blasts is None
    assert answer.text() == f"uncertain ({answer.reason})"  # no number that says more


def test_fewer_cells_are_closer_to_even_odds() -> None:
    odds = [log_odds(MODEL, 0.8, number).value for number in (1, 2, 5, 20, 100)]
    assert odds == sorted(odds)
    assert odds[0] > 0


def test_the_interval_includes_the_scatter_of_cells_and_the_number_of_persons() -> None:
    assert log_odds(MODEL, 0.8, 5).error > 0
    few = replace(MODEL, normal=replace(MODEL.normal, persons=3))
    assert log_odds(few, 0.8, 50).error > log_odds(MODEL, 0.8, 50).error


@given(st.lists(st.floats(-10, 10), min_size=5, max_size=30), st.floats(0, 5))
def test_higher_logits_never_lower_the_probability(values: list[float], more: float) -> None:
    before = answer_subject(MODEL, values)
    after = answer_subject(MODEL, [value + more for value in values])
    assert before.probability is not None
    assert after.probability is not None
    assert after.probability >= before.probability - 1e-12


def test_one_extreme_cell_does_not_decide() -> None:
    plain = answer_subject(MODEL, cells(-1.0, 20))
    spoiled = answer_subject(MODEL, [*cells(-1.0, 20), 1e6])
    assert plain.verdict == spoiled.verdict == "normal"


@pytest.mark.parametrize("fraction", [0.3, 0.5, 0.7])
def test_a_mixture_is_uncertain_and_its_fraction_is_estimated(fraction: float) -> None:
    blasts = round(100 * fraction)
    mixed = np.concatenate([cells(1.0, blasts, 1), cells(-1.0, 100 - blasts, 2)])
    answer = answer_subject(MODEL, mixed)
    assert answer.verdict is SubjectVerdict.UNCERTAIN
    assert answer.blasts == pytest.approx(fraction, abs=0.1)
    assert answer.blasts_low is not None
    assert answer.blasts_high is not None
    assert answer.blasts_low < fraction < answer.blasts_high


def test_the_fraction_of_a_pure_population_reaches_its_end() -> None:
    assert blast_fraction(MODEL, cells(1.0, 80)).high == 1
    assert blast_fraction(MODEL, cells(-1.0, 80)).low == 0


def test_classes_in_the_wrong_order_give_even_odds() -> None:
    swapped = replace(MODEL, normal=MODEL.leukemic, leukemic=MODEL.normal)
    answer = answer_subject(swapped, cells(1.0, 60))
    assert (answer.verdict, answer.probability) == ("uncertain", 0.5)


def test_in_context_each_cell_hears_the_others_but_not_itself_twice() -> None:
    assert in_context(MODEL, [1.0, 0.0, 0.0]).tolist() == [1.0, 0.5, 0.5]
    assert in_context(MODEL, [1.0]).tolist() == [2.0]
    assert in_context(MODEL, []).tolist() == []


def test_the_order_of_cells_does_not_matter() -> None:
    values = cells(0.2, 30)
    assert answer_subject(MODEL, values).blasts == answer_subject(MODEL, values[::-1]).blasts


def test_an_impossible_model_is_refused() -> None:
    with pytest.raises(ValueError, match="low"):
        replace(MODEL, low=3.0)
    with pytest.raises(ValueError, match="inflation"):
        replace(MODEL, inflation=0.5)
