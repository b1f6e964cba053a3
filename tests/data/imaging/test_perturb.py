"""Covering a cell keeps its outline; the grid counts every pixel of the cell once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.data.imaging.foreground import nonblack_mask
from leukoscope.data.imaging.perturb import (
    blurred_baseline,
    cut_into_patches,
    mean_baseline,
    perturb,
)
from tests.inference.tiny_model import cell_image

CELL = cell_image(4)[75:375, 75:375]


FILLINGS = [mean_baseline, lambda cell: blurred_baseline(cell, 300)]


@pytest.mark.parametrize("fill", FILLINGS)
def test_a_filling_has_the_outline_of_the_cell(fill) -> None:
    filling = fill(CELL)
    assert filling.dtype == np.uint8
    assert np.array_equal(nonblack_mask(filling), nonblack_mask(CELL))


def test_the_mean_color_is_that_of_the_cell_without_its_background() -> None:
    inside = mean_baseline(CELL)[nonblack_mask(CELL)]
    assert (inside == np.rint(CELL[nonblack_mask(CELL)].mean(axis=0))).all()


def test_smoothing_removes_structure_and_does_not_darken_the_rim() -> None:
    plain = mean_baseline(CELL)
    mask = nonblack_mask(CELL)
    for step in (1, 3):  # at full resolution, and at a third
        assert np.array_equal(blurred_baseline(plain[::step, ::step], 300), plain[::step, ::step])
        assert (
            blurred_baseline(CELL[::step, ::step], 300)[mask[::step, ::step]].std()
            < CELL[mask].std() / 5
        )


@pytest.mark.parametrize("fill", FILLINGS)
def test_an_empty_picture_stays_empty(fill) -> None:
    assert not fill(np.zeros((40, 40, 3), np.uint8)).any()


@given(
    size=st.integers(4, 80),
    crop=st.integers(80, 600),
    most=st.integers(1, 120),
    seed=st.integers(0, 9),
)
def test_patches_share_out_the_cell(size: int, crop: int, most: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    cell = np.repeat(draw.integers(0, 2, (size, size, 1)), 3, axis=2).astype(np.uint8) * 99
    found = cut_into_patches(cell, crop, most)
    assert found.pixels.sum() == nonblack_mask(cell).sum()
    assert (found.pixels > 0).all()
    assert len(found.on_cell) == len(found.pixels) <= most
    assert set(np.unique(found.of_pixel)) == set(range(found.grid**2))


def test_a_patch_is_25_original_pixels_and_larger_where_the_cell_fills_the_frame() -> None:
    assert cut_into_patches(CELL, 300).grid == 12
    assert cut_into_patches(CELL[::2, ::2], 300).grid == 12
    whole = np.full((300, 300, 3), 200, np.uint8)
    assert cut_into_patches(whole, 300, most=100).grid == 10


def test_only_what_is_covered_changes() -> None:
    patches = cut_into_patches(CELL, 300)
    filling = mean_baseline(CELL)
    one = patches.on_cell[[7]]
    found = perturb(CELL, filling, patches, one)
    inside = patches.of_pixel == one[0]
    assert np.array_equal(found[~inside], CELL[~inside])
    assert np.array_equal(found[inside], filling[inside])
    assert np.array_equal(perturb(CELL, filling, patches, patches.on_cell), filling)


@pytest.mark.parametrize("side", [12, 24, 36, 300, 600])
def test_a_map_of_any_resolution_is_averaged_over_patches(side: int) -> None:
    patches = cut_into_patches(CELL, 300)
    rows = np.arange(side) * 12 // side
    known = (rows[:, None] * 12 + rows).astype(float)
    assert patches.averages(known) == pytest.approx(patches.on_cell)
