import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.models.recipe.settings import Augment
from leukoscope.training.network.augment import augment

OFF = Augment(rotate=0, flip=False, scale=0, shift=0, brightness=0, color=0, blur=0)
SIDE = 32
share = st.floats(0, 0.5)
settings_of_any_strength = st.builds(
    Augment, st.floats(0, 180), st.booleans(), share, share, share, share, st.floats(0, 3)
)


class Given:
    """A source of chance whose draws are known: a number for each place, 0 elsewhere."""

    def __init__(self, draws: dict[int, float]) -> None:
        self.draws = draws

    def uniform(self, low: float, high: float, size: int) -> np.ndarray:
        return np.array([self.draws.get(place, 0.0) for place in range(size)])


def some_cell(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


@given(settings_of_any_strength, st.integers(0, 2**32))
def test_a_black_image_stays_black(settings: Augment, seed: int) -> None:
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    assert not augment(black, settings, np.random.default_rng(seed)).any()


@given(settings_of_any_strength, st.integers(0, 2**32))
def test_same_generator_same_cell_and_the_cell_itself_is_untouched(
    settings: Augment, seed: int
) -> None:
    cell = some_cell()
    cell.flags.writeable = False  # as the cache's memory map is
    first = augment(cell, settings, np.random.default_rng(seed))
    again = augment(cell, settings, np.random.default_rng(seed))
    assert np.array_equal(first, again)
    assert first.shape == cell.shape
    assert first.dtype == np.uint8


def test_background_stays_black_under_light_and_color() -> None:
    cell = some_cell()
    cell[:, : SIDE // 2] = 0
    changed = augment(cell, Augment(0, False, 0, 0, 0.5, 0.5, 0), np.random.default_rng(3))
    assert not changed[:, : SIDE // 2].any()
    assert not np.array_equal(changed, cell)


@given(st.integers(0, 2**32))
def test_all_off_is_the_identity(seed: int) -> None:
    cell = some_cell()
    assert np.array_equal(augment(cell, OFF, np.random.default_rng(seed)), cell)


@pytest.mark.parametrize("turns", [0, 1, 2, -1])
@pytest.mark.parametrize("mirrored", [False, True])
def test_quarter_turns_and_mirrors_are_exact(turns: int, mirrored: bool) -> None:
    cell = some_cell()
    rng = Given({0: turns / 2, 4: -1.0 if mirrored else 1.0})
    expected = np.rot90(np.fliplr(cell) if mirrored else cell, turns)
    assert np.array_equal(augment(cell, Augment(180, True, 0, 0, 0, 0, 0), rng), expected)


def test_a_shift_of_whole_pixels_is_exact() -> None:
    cell = some_cell()
    moved = augment(cell, Augment(0, False, 0, 0.25, 0, 0, 0), Given({2: 1.0, 3: -0.5}))
    assert np.array_equal(moved[:-4, 8:], cell[4:, :-8])
    assert not moved[:, :8].any()
    assert not moved[-4:].any()


def test_flip_mirrors_half_of_the_cells() -> None:
    cell, settings = some_cell(), Augment(0, True, 0, 0, 0, 0, 0)
    rng = np.random.default_rng(0)
    versions = [augment(cell, settings, rng) for _ in range(400)]
    mirrored = sum(np.array_equal(version, np.fliplr(cell)) for version in versions)
    kept = sum(np.array_equal(version, cell) for version in versions)
    assert mirrored + kept == 400
    assert 150 < mirrored < 250  # five standard deviations


def test_brightness_and_color_keep_to_their_limits() -> None:
    cell = np.full((8, 8, 3), 100, np.uint8)
    rng = np.random.default_rng(0)
    versions = [augment(cell, Augment(0, False, 0, 0, 0.1, 0.05, 0), rng) for _ in range(200)]
    levels = np.stack(versions)[:, 0, 0].astype(int)
    assert levels.min() >= 100 * 0.9 * 0.95 - 1
    assert levels.max() <= 100 * 1.1 * 1.05
    assert np.ptp(levels[:, 0] - levels[:, 2]) > 3  # channels differ


def test_scale_changes_the_area() -> None:
    cell = np.zeros((64, 64, 3), np.uint8)
    cell[22:42, 22:42] = 200
    larger = augment(cell, Augment(0, False, 0.5, 0, 0, 0, 0), Given({1: 1.0}))
    assert (larger > 100).sum() / (cell > 100).sum() == pytest.approx(1.5**2, rel=0.1)


def test_blur_smooths_and_keeps_the_light() -> None:
    cell = np.zeros((64, 64, 3), np.uint8)
    cell[20:44, 20:44] = some_cell()[:24, :24]
    blurred = augment(cell, Augment(0, False, 0, 0, 0, 0, 2), Given({9: 1.0}))
    assert blurred.mean() == pytest.approx(cell.mean(), rel=0.02)
    assert blurred.std() < cell.std()
    assert not blurred[:8].any()  # four standard deviations away from the cell


def test_switching_one_change_off_leaves_the_others() -> None:
    cell = some_cell()
    turned = augment(cell, Augment(180, True, 0, 0.02, 0, 0, 0), np.random.default_rng(5))
    both = augment(cell, Augment(180, True, 0, 0.02, 0.3, 0, 0), np.random.default_rng(5))
    gain = 1 + 0.3 * np.random.default_rng(5).uniform(-1, 1, 10)[5]
    np.testing.assert_allclose(both, np.clip(turned * gain, 0, 255), atol=1)
