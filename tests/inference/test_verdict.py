"""Verdicts, and the checks on an image's pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.values import Abstention, ConformalThresholds, Limit
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.evidence import Evidence, check_image, gather
from leukoscope.inference.model_file.limits import OutOfDistribution
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.rejection.image_checks import image_quality
from leukoscope.inference.rejection.mahalanobis import GaussianModel, pack
from leukoscope.inference.verdict import (
    Decision,
    decide,
    predicted_class,
    threshold,
)
from tests.inference.tiny_model import cell_image, known_ranges, tiny_card


def limit(value: float) -> Limit:
    return Limit(value, 0.1, False, 2, 9)


POINT = tiny_card()
KNOWN = tiny_card(
    abstention=Abstention("made up", limit(0.3), limit(0.6)),
    image_limits=known_ranges(),
    out_of_distribution=OutOfDistribution(
        "made up", GaussianModel(pack([0, 0]), pack([1, 0]), (4.0,), 1.0), limit(3.0)
    ),
)
NO_POINT = tiny_card(operating_point=None)


@pytest.mark.parametrize(
    ("p", "card", "verdict"),
    [
        (0.4, POINT, Verdict.BLAST),
        (0.3999, POINT, Verdict.NORMAL),
        (0.45, NO_POINT, Verdict.NORMAL),
        (0.5, NO_POINT, Verdict.BLAST),
        (0.0, POINT, Verdict.NORMAL),
        (1.0, NO_POINT, Verdict.BLAST),
    ],
)
def test_the_operating_point_decides(p, card, verdict) -> None:
    assert decide(Evidence(p), card).verdict is verdict
    assert decide(Evidence(p), card).reason == ""


def test_without_operating_point_the_threshold_is_a_half() -> None:
    assert threshold(NO_POINT) == 0.5
    assert threshold(POINT) == 0.4


def test_an_error_and_an_empty_image_are_no_answers() -> None:
    failed = decide(Evidence(error="x.bmp is truncated"), POINT)
    assert (failed.verdict, failed.reason) == (Verdict.ERROR, "x.bmp is truncated")
    empty = decide(Evidence(None, (Flag.EMPTY,)), POINT)
    assert empty.verdict is Verdict.NOT_A_CELL
    assert empty.reason
    assert decide(Evidence(None), POINT).verdict is Verdict.ERROR
    # A probability doesn't outrank what is wrong with the image.
    assert decide(Evidence(0.99, (Flag.EMPTY,)), POINT).verdict is Verdict.NOT_A_CELL
    assert decide(Evidence(0.99, (Flag.NO_BORDER,)), POINT).verdict is Verdict.BLAST


def test_check_image() -> None:
    cell = cell_image()
    assert check_image(cell, cell, POINT) == ()
    black = np.zeros((40, 40, 3), np.uint8)
    assert check_image(black, black, POINT) == (Flag.EMPTY,)
    assert check_image(black + 15, black + 15, KNOWN) == (Flag.EMPTY,)
    white = np.full((40, 60, 3), 255, np.uint8)
    assert check_image(white, white, POINT) == (Flag.NO_BORDER,)
    # A cell that reaches the frame on one side is still cut out on black.
    touching = black.copy()
    touching[:, :20, 2] = 90
    assert check_image(touching, touching, POINT) == ()
    # A cell outside the crop is as good as none.
    assert check_image(cell, black, KNOWN) == (Flag.EMPTY,)


def test_a_card_that_knows_its_cells_turns_others_away() -> None:
    cell = cell_image()
    assert check_image(cell, cell, KNOWN) == ()
    assert decide(Evidence(0.9, check_image(cell, cell, KNOWN)), KNOWN) == Decision(Verdict.BLAST)
    large = np.repeat(np.repeat(cell_image(39), 2, axis=0), 2, axis=1)
    flags = check_image(large, large, KNOWN)
    assert "larger than any known cell" in flags
    decision = decide(Evidence(0.9, flags), KNOWN)
    assert decision.verdict is Verdict.NOT_A_CELL
    assert "larger than any known cell" in decision.reason
    white = np.full((450, 450, 3), 255, np.uint8)
    assert check_image(white, white, KNOWN) == (Flag.NO_BORDER,)
    assert decide(Evidence(0.9, (Flag.NO_BORDER,)), KNOWN).verdict is Verdict.NOT_A_CELL


def test_evidence_compares_the_distance_with_the_limit_once() -> None:
    assert gather(KNOWN, distance=3.0).flags == ()
    far = gather(KNOWN, quality=(Flag.BLURRED,), distance=3.25)
    assert (far.distance, far.exceeded) == (3.25, 3.0)
    assert far.flags == (Flag.BLURRED, Flag.UNLIKE_TRAINING)
    assert " | ".join(far.flags) == "blurred | unlike the training cells"
    assert gather(POINT, distance=1e9).exceeded is None


def test_distance_turns_away_beyond_its_limit_and_not_at_it() -> None:
    assert decide(gather(KNOWN, p_all=0.9, distance=3.0), KNOWN) == Decision(Verdict.BLAST)
    far = decide(gather(KNOWN, p_all=0.9, distance=3.25), KNOWN)
    assert far.verdict is Verdict.NOT_A_CELL
    assert "distance 3.2, usual up to 3.0" in far.reason
    # Without a limit no distance is known to be large.
    assert decide(gather(POINT, p_all=0.9, distance=1e9), POINT) == Decision(Verdict.BLAST)


@pytest.mark.parametrize(
    ("p", "verdict", "words"),
    [
        (0.2999, Verdict.NORMAL, ""),
        (0.3, Verdict.UNCERTAIN, "fits both classes"),
        (0.45, Verdict.UNCERTAIN, "fits both classes"),
        (0.6, Verdict.UNCERTAIN, "fits both classes"),
        (0.6001, Verdict.BLAST, ""),
    ],
)
def test_both_classes_are_uncertain(p: float, verdict: Verdict, words: str) -> None:
    decision = decide(Evidence(p), KNOWN)
    assert decision.verdict is verdict
    assert words in decision.reason
    assert bool(words) == bool(decision.reason)


@pytest.mark.parametrize(
    ("p", "verdict", "words"),
    [
        (0.4, Verdict.NORMAL, ""),
        (0.4001, Verdict.UNCERTAIN, "fits neither class"),
        (0.6999, Verdict.UNCERTAIN, "fits neither class"),
        (0.7, Verdict.BLAST, ""),
    ],
)
def test_neither_class_is_uncertain(p: float, verdict: Verdict, words: str) -> None:
    decision = predicted_class(p, 0.5, ConformalThresholds(all_from=0.7, hem_to=0.4))
    assert decision.verdict is verdict
    assert words in decision.reason


def test_where_threshold_and_limits_disagree_it_is_uncertain() -> None:
    limits = ConformalThresholds(0.3, 0.6)
    assert predicted_class(0.7, 0.9, limits).verdict is Verdict.UNCERTAIN
    assert "fits ALL only" in predicted_class(0.7, 0.9, limits).reason
    assert predicted_class(0.95, 0.9, limits).verdict is Verdict.BLAST
    assert "fits HEM only" in predicted_class(0.2, 0.1, limits).reason
    assert predicted_class(0.05, 0.1, limits).verdict is Verdict.NORMAL


shares = st.floats(0, 1)


@given(st.lists(shares, min_size=2, max_size=2), shares, shares, shares)
def test_the_verdict_rises_with_the_probability(
    pair: list[float], at: float, all_from: float, hem_to: float
) -> None:
    order = [Verdict.NORMAL, Verdict.UNCERTAIN, Verdict.BLAST]
    low, high = sorted(pair)
    limits = ConformalThresholds(all_from, hem_to)
    first, second = (order.index(predicted_class(p, at, limits).verdict) for p in (low, high))
    assert first <= second
    for p in pair:
        alone, with_limits = (
            predicted_class(p, at, None).verdict,
            predicted_class(p, at, limits).verdict,
        )
        assert with_limits in (alone, Verdict.UNCERTAIN)  # abstaining changes no answer
        if with_limits is Verdict.BLAST:
            assert p >= all_from
            assert p > hem_to


def test_what_is_wrong_with_the_picture_goes_before_what_is_in_it() -> None:
    assert image_quality(cell_image())["apart"] == 0
    both = decide(gather(KNOWN, p_all=0.45, quality=(Flag.BLURRED,), distance=9.0), KNOWN)
    assert (both.verdict, both.reason) == (Verdict.NOT_A_CELL, "not one whole cell: blurred")
    assert decide(gather(KNOWN, p_all=0.45, distance=9.0), KNOWN).verdict is Verdict.NOT_A_CELL
    assert (
        decide(Evidence(None, (Flag.BLURRED,), error="cut short"), KNOWN).verdict is Verdict.ERROR
    )
