"""Descriptors and measurements against scikit-image, an independent implementation.

Most definitions are the same and the values are equal. Where a definition differs on purpose, the
name of the test says so, a comment gives the reason, and the test pins the relation. Stain
separation (`rgb2hed`) has no counterpart here: `density` is the plain Beer-Lambert law on the mean
of the channels, without a stain matrix, since the stains of a cohort are not known.
"""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.data.descriptors import NAMES, describe
from leukoscope.data.descriptors.foreground_crop import crop_foreground
from leukoscope.data.descriptors.glcm import (
    GRAY_LEVELS,
    MEANINGS,
    cooccurrence_matrix,
    haralick_measures,
)
from leukoscope.data.descriptors.lbp import NEIGHBORS, lbp_histogram
from leukoscope.data.descriptors.shape import perimeter
from leukoscope.data.imaging.features import measure
from leukoscope.data.imaging.shape import find_runs, second_moments, solidity
from leukoscope.data.synthetic.cell import CellParams, draw_cell

pytest.importorskip("skimage")

from skimage.color import rgb2hsv
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.filters import threshold_otsu
from skimage.measure import label, perimeter_crofton, regionprops

ANGLES = (0, math.pi / 4, math.pi / 2, 3 * math.pi / 4)
CELLS = [
    draw_cell(np.random.default_rng(seed), CellParams(nucleoli=seed, shreds=seed % 2))
    for seed in range(3)
]
cells = pytest.mark.parametrize("image", CELLS, ids=range(len(CELLS)))


def named(image: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, describe(image).tolist(), strict=True))


def blob(seed: int, side: int = 90) -> np.ndarray:
    """One connected wavy disc without holes."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - side / 2
    angle, distance = np.arctan2(y, x), np.hypot(x, 1.4 * y)
    waves = sum(random.normal(0, 0.06) * np.cos(k * angle + random.uniform(0, 6)) for k in range(7))
    return distance < 0.36 * side * (1 + waves)


def region(mask: np.ndarray):
    return regionprops(mask.astype(np.uint8))[0]


# Gray-level co-occurrence


def their_pairs(grays: np.ndarray, distance: int) -> np.ndarray:
    """Counts over four directions; level `GRAY_LEVELS` is what lies outside the cell."""
    counts = graycomatrix(
        grays.astype(np.uint8), [distance], ANGLES, levels=GRAY_LEVELS + 1, symmetric=True
    )
    return counts[:GRAY_LEVELS, :GRAY_LEVELS, 0].sum(axis=2)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.sampled_from([1, 2, 4, 8, 16]), st.integers(0))
def test_pairs_of_grays_are_equal(height, width, distance, seed):
    grays = (
        np.random.default_rng(seed).integers(0, GRAY_LEVELS + 1, (height, width)).astype(np.int16)
    )
    theirs = their_pairs(grays, distance)
    assert cooccurrence_matrix(grays, distance) == pytest.approx(theirs / max(1, theirs.sum()))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, GRAY_LEVELS), st.integers(0))
def test_measures_of_pairs_are_equal(levels, seed):
    table = np.random.default_rng(seed).integers(0, 9, (levels, levels)).astype(float) + np.eye(
        levels
    )
    table = (table + table.T) / (table + table.T).sum()
    theirs = [float(graycoprops(table[..., None, None], name)[0, 0]) for name in MEANINGS]
    assert haralick_measures(table) == pytest.approx(theirs)


def test_correlation_of_one_gray_is_0_here_and_1_there():
    """A flat cell has no texture; 0 lets a model read it as none, 1 as perfect texture."""
    flat = np.zeros((4, 4))
    flat[2, 2] = 1
    assert haralick_measures(flat)[3] == 0
    assert graycoprops(flat[..., None, None], "correlation")[0, 0] == 1


@cells
def test_co_occurrence_of_a_cell_is_equal(image):
    cell = crop_foreground(image)
    values = cell.density[cell.inside].astype(float)
    scaled = (cell.density - values.mean()) / values.std()
    grays = np.clip(
        np.floor((scaled + 3) * GRAY_LEVELS / 6), 0, GRAY_LEVELS - 1
    )  # 16 levels over 6 deviations
    grays = np.where(cell.inside, grays, GRAY_LEVELS)
    ours = named(image)
    for distance, name in product((1, 2, 4, 8, 16), MEANINGS):
        theirs = graycoprops(their_pairs(grays, distance)[..., None, None], name)[0, 0]
        assert ours[f"glcm_{name}_{distance}"] == pytest.approx(theirs, rel=2e-3), (name, distance)


# Local binary patterns


def test_kinds_of_all_256_patterns_are_those_of_the_uniform_method():
    # The diagonal neighbors lie between pixels there. Large corners decide their sign alone, so
    # that every one of the 256 patterns can be set.
    for pattern in range(256):
        picture = np.zeros((3, 3), np.float32)
        for bit, (down, right) in enumerate(NEIGHBORS):
            sign = 1 if pattern >> bit & 1 else -1
            picture[1 + down, 1 + right] = sign * (1000 if down and right else 1)
        inside = np.zeros((3, 3), bool)
        inside[1, 1] = True
        theirs = local_binary_pattern(picture.astype(int), P=8, R=1, method="uniform")[1, 1]
        assert lbp_histogram(picture, inside, 1).argmax() == theirs, pattern


@pytest.mark.filterwarnings("ignore:Applying `local_binary_pattern`:UserWarning")
@cells
def test_patterns_on_a_square_of_neighbors_are_close_to_those_on_a_circle(image):
    """On purpose: no value between pixels is needed, so a quarter turn changes no pattern."""
    cell = crop_foreground(image)
    for level, distance in ((1, 2), (2, 4)):
        picture = cell.levels[level]
        ours = lbp_histogram(picture, cell.inside, distance)
        codes = local_binary_pattern(picture, P=8, R=distance, method="uniform")[cell.inside]
        theirs = np.bincount(codes.astype(int), minlength=10) / codes.size
        assert np.abs(ours - theirs).sum() < 0.2
        assert np.corrcoef(ours, theirs)[0, 1] > 0.98


# Shape


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**30), st.integers(20, 120))
def test_area_perimeter_and_moments_of_a_blob_are_equal(seed, side):
    mask = blob(seed, side)
    theirs = region(mask)
    minor, major = np.linalg.eigvalsh(second_moments(find_runs(mask)))
    assert perimeter(mask) == pytest.approx(perimeter_crofton(mask, directions=4))
    assert 4 * math.sqrt(major) == pytest.approx(theirs.axis_major_length)
    assert 4 * math.sqrt(minor) == pytest.approx(theirs.axis_minor_length)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**30))
def test_measurements_of_an_image_are_equal(seed):
    mask = blob(seed)
    ours, theirs = (
        measure(np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * 90),
        region(mask),
    )
    top, left, bottom, right = theirs.bbox
    assert (ours.area, ours.height, ours.width) == (theirs.area, bottom - top, right - left)
    assert ours.eccentricity == pytest.approx(theirs.eccentricity)
    assert ours.pieces == label(mask, connectivity=2).max() == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**30))
def test_solidity_of_polygons_through_pixel_centers_is_close_to_that_of_pixels(seed):
    """On purpose: as OpenCV has it, so that a disc or a square on pixels has solidity 1.

    scikit-image counts the pixels of the hull; those that its edges cut make a small difference.
    """
    mask = blob(seed)
    assert solidity(mask) == pytest.approx(region(mask).solidity, abs=0.02)


@cells
def test_size_and_outline_of_a_cell_are_equal(image):
    cell, ours = crop_foreground(image), named(image)
    theirs = region(cell.mask)
    length = perimeter_crofton(cell.filled, directions=4)
    assert math.exp(ours["ln_area"]) == pytest.approx(theirs.area_filled, rel=1e-5)
    assert math.exp(ours["ln_perimeter"]) == pytest.approx(length, rel=1e-5)
    circularity = 4 * math.pi * theirs.area_filled / length**2
    assert math.exp(ours["ln_1_less_circularity"]) == pytest.approx(1.01 - circularity, rel=1e-4)
    whole = region(cell.filled)
    # 1 px² is added to both moments: a line of pixels has a width.
    axes = [length**2 / 16 + 1 for length in (whole.axis_major_length, whole.axis_minor_length)]
    assert ours["ln_aspect"] == pytest.approx(math.log(axes[0] / axes[1]) / 2, rel=1e-3, abs=1e-5)


# Color and threshold


@cells
def test_saturation_is_that_of_hsv(image):
    cell, ours = crop_foreground(image), named(image)
    saturation = rgb2hsv(cell.color)[..., 1][cell.mask]
    assert ours["saturation_mean"] == pytest.approx(saturation.mean(), rel=1e-4)
    assert ours["saturation_deviation"] == pytest.approx(saturation.std(), rel=1e-3)


@cells
def test_hue_and_saturation_of_the_mean_color_are_those_of_hsv(image):
    ours = measure(image)
    mean = np.array([[[ours.red, ours.green, ours.blue]]]) / 255
    hue, saturation, _ = rgb2hsv(mean)[0, 0]
    assert (ours.hue, ours.saturation) == pytest.approx((360 * hue, saturation))


@cells
def test_threshold_of_otsu_is_equal(image):
    cell, ours = crop_foreground(image), named(image)
    values = cell.levels[1][cell.mask]
    # Theirs is the center of the highest bin below the threshold.
    threshold = threshold_otsu(values, nbins=64) + np.ptp(values) / 128
    dark = values > threshold
    assert ours["otsu_dark"] == pytest.approx(dark.mean(), abs=1e-4)
    step = values[dark].mean() - values[~dark].mean()
    assert ours["otsu_step"] == pytest.approx(step, abs=float(np.ptp(values)) / 64)
