"""Runs and what is told from them, against SciPy's labeling of the same mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from leukoscope.data.imaging.shape import (
    fill_holes,
    find_runs,
    label_runs,
    second_moments,
    solidity,
)

CROSS, SQUARE = ndimage.generate_binary_structure(2, 1), np.ones((3, 3), bool)


def mask(height, width, share, seed):
    return np.random.default_rng(seed).random((height, width)) < share


masks = st.builds(
    mask, st.integers(1, 40), st.integers(1, 40), st.floats(0.05, 0.95), st.integers(0)
)


@settings(max_examples=100, deadline=None)
@given(masks)
def test_runs_paint_the_mask(wanted):
    runs, painted = find_runs(wanted), np.zeros_like(wanted)
    for row, start, stop in zip(runs.row, runs.start, runs.stop, strict=True):
        assert start < stop
        assert not painted[row, max(start - 1, 0) : stop].any()  # apart from the run before it
        painted[row, start:stop] = True
    assert np.array_equal(painted, wanted)
    assert runs.length.sum() == wanted.sum()


@settings(max_examples=150, deadline=None)
@given(masks, st.booleans())
def test_parts_are_those_scipy_finds(wanted, diagonal):
    runs = find_runs(wanted)
    part = label_runs(runs, diagonal=diagonal)
    expected, count = ndimage.label(wanted, SQUARE if diagonal else CROSS)
    theirs = expected[runs.row, runs.start]
    assert len(set(zip(part.tolist(), theirs.tolist(), strict=True))) == count
    assert set(part.tolist()) == set(range(count))
    assert list(dict.fromkeys(part.tolist())) == list(range(count))  # numbered in reading order


@settings(max_examples=150, deadline=None)
@given(masks)
def test_holes_are_those_scipy_fills(wanted):
    before = wanted.copy()
    assert np.array_equal(fill_holes(wanted), ndimage.binary_fill_holes(wanted, CROSS))
    assert np.array_equal(wanted, before)


@settings(max_examples=50, deadline=None)
@given(masks)
def test_second_moments_are_the_covariance_of_the_pixels(wanted):
    wanted[0, 0] = True
    y, x = np.nonzero(wanted)
    assert second_moments(find_runs(wanted)) == pytest.approx(np.cov([x, y], ddof=0), abs=1e-9)


def test_solidity_by_hand():
    square = np.ones((5, 5), bool)
    assert solidity(square) == 1
    notched = square.copy()
    notched[0, 1:4] = False
    # The outline cuts each of the notch's corners by half a pixel: 16 - 3 of the hull's 16.
    assert solidity(notched) == pytest.approx(13 / 16)
    assert solidity(np.ones((1, 7), bool)) == solidity(np.ones((1, 1), bool)) == 1
    assert solidity(np.eye(6, dtype=bool)) == 1
    hook = np.array([[1, 1], [1, 0]], bool)
    assert solidity(hook) == 1
    corner = np.array([[1, 1, 1], [1, 0, 0], [1, 0, 0]], bool)
    assert solidity(corner) == pytest.approx(0.5 / 2)
