"""The foreground rules, and how they relate to each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from leukoscope.data.imaging.foreground import (
    LIT,
    RIM,
    bounding_box,
    bright_mask,
    interior,
    lit_mask,
    nonblack_box,
    nonblack_mask,
    solid_mask,
)
from tests.data.cells import draw_cell

RULES = (nonblack_mask, lit_mask, bright_mask, solid_mask)


def random_image(seed: int, top: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, top, (17, 15, 3), dtype=np.uint8)


@settings(deadline=None)
@given(st.integers(0, 2**30), st.sampled_from([2, 20, 256]))
def test_each_rule_is_a_level_of_the_brightest_channel(seed, top):
    image = random_image(seed, top)
    brightest = image.max(axis=2)
    assert np.array_equal(nonblack_mask(image), brightest > 0)
    assert np.array_equal(lit_mask(image), brightest >= LIT)
    counted = brightest[brightest > 8]
    if counted.size:
        lower = np.sort(counted)[(counted.size + 1) // 2 - 1]
        assert np.array_equal(bright_mask(image), brightest > max(8, 0.5 * lower))
        level = max(8.0, 0.35 * np.percentile(counted, 90))
        assert np.array_equal(solid_mask(image), brightest > level)


@given(st.integers(0, 2**30), st.sampled_from([0, 1, 3, 255]))
def test_the_box_is_that_of_the_mask(seed, pixels):
    random = np.random.default_rng(seed)
    image = np.zeros((17, 15, 3), np.uint8)
    image.reshape(-1)[random.integers(0, image.size, pixels)] = 1
    assert nonblack_box(image) == bounding_box(nonblack_mask(image))


@pytest.mark.parametrize("rule", RULES)
def test_a_black_image_has_no_foreground(rule):
    assert not rule(np.zeros((9, 7, 3), np.uint8)).any()


@pytest.mark.parametrize("rule", RULES)
def test_all_rules_agree_on_a_bright_cell_on_black(rule):
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:30, 8:32] = (150, 90, 160)
    assert np.array_equal(rule(image), image[..., 0] > 0)


def test_only_nonblack_counts_jpeg_specks():
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:30, 8:32] = (150, 90, 160)
    image[2, 2] = (8, 3, 0)
    assert nonblack_mask(image)[2, 2]
    assert not any(rule(image)[2, 2] for rule in RULES[1:])


def test_the_local_network_uses_the_nonblack_rule():
    torch = pytest.importorskip("torch")
    from leukoscope.models.network.local_features import light_and_cell

    cell = draw_cell(0, side=128, radius=50)
    mask = light_and_cell(torch.from_numpy(cell[None].copy()), 128)[0, 3].numpy()
    assert np.array_equal(mask, nonblack_mask(cell))


def test_interior_leaves_out_the_rim_unless_too_little_remains():
    mask = np.zeros((40, 40), bool)
    mask[5:30, 5:30] = True
    core = interior(mask)
    expected = ndimage.binary_erosion(mask, np.ones((2 * RIM + 1, 2 * RIM + 1)))
    assert np.array_equal(core, expected)
    assert core.sum() == 15 * 15
    assert np.array_equal(interior(mask, least=15 * 15), expected)
    assert interior(mask, least=15 * 15 + 1) is mask


def test_bounding_box_holds_the_mask_tightly():
    mask = np.zeros((9, 8), bool)
    assert bounding_box(mask) is None
    mask[2, 3] = mask[6, 5] = True
    assert bounding_box(mask) == (slice(2, 7), slice(3, 6))


def test_a_dark_nucleus_in_pale_cytoplasm_is_foreground():
    y, x = np.mgrid[:120, :120] - 60
    radius = np.hypot(y, x)
    image = np.zeros((120, 120, 3), np.uint8)
    for cytoplasm in (45, 55):  # a narrow and a wide band
        image[radius < cytoplasm] = (150, 160, 214)
        image[radius < 40] = (60, 30, 70)
        assert solid_mask(image)[radius < cytoplasm - 1].all()
