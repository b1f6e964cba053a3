"""Verdicts, and the checks on an image's pixels."""

import numpy as np
import pytest

from leukoscope.inference.triage import (
    EMPTY,
    NO_BORDER,
    Evidence,
    Verdict,
    decide,
    image_flags,
    threshold,
)
from tests.inference.tiny_model import cell_image, tiny_card

POINT = tiny_card()
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
    failed = decide(Evidence(None, (), "x.bmp is truncated"), POINT)
    assert (failed.verdict, failed.reason) == (Verdict.ERROR, "x.bmp is truncated")
    empty = decide(Evidence(None, (EMPTY,)), POINT)
    assert empty.verdict is Verdict.NOT_A_CELL
    assert empty.reason
    assert decide(Evidence(None), POINT).verdict is Verdict.ERROR
    # A probability doesn't outrank what is wrong with the image.
    assert decide(Evidence(0.99, (EMPTY,)), POINT).verdict is Verdict.NOT_A_CELL
    assert decide(Evidence(0.99, (NO_BORDER,)), POINT).verdict is Verdict.BLAST


def test_image_flags() -> None:
    cell = cell_image()
    assert image_flags(cell, cell) == ()
    black = np.zeros((40, 40, 3), np.uint8)
    assert image_flags(black, black) == (EMPTY,)
    assert image_flags(black + 16, black + 16) == (EMPTY,)
    white = np.full((40, 60, 3), 255, np.uint8)
    assert image_flags(white, white) == (NO_BORDER,)
    # A cell that reaches the frame on one side is still cut out on black.
    touching = black.copy()
    touching[:, :20, 2] = 90
    assert image_flags(touching, touching) == ()
    # A cell outside the crop is as good as none.
    assert image_flags(cell, black) == (EMPTY,)
