"""Curves with known areas, a true map above a random one, and intervals over persons."""

import numpy as np
import pytest

from leukoscope.data.imaging.perturb import cut_into_patches, mean_baseline
from leukoscope.evaluation.metrics.faithfulness import Ends, areas, measure, over_persons, rankings
from tests.inference.tiny_model import cell_image

CELL = cell_image(9)[75:375, 75:375]
PATCHES = cut_into_patches(CELL, 300)
PLACE = np.isin(PATCHES.of_pixel, PATCHES.on_cell[5:9])
RED = float(CELL[..., 0][PLACE].mean())


def looks_at_place(cells: np.ndarray) -> np.ndarray:
    """How much of the original is left at the place: 0.9 for all of it, 0.1 for nothing."""
    left = (cells[:, PLACE] == CELL[PLACE]).all(axis=2).mean(axis=1)
    return 0.1 + 0.8 * left


def looks_for_normal(cells: np.ndarray) -> np.ndarray:
    return 1 - looks_at_place(cells)


def ends(score) -> Ends:
    return Ends.of(score, CELL, mean_baseline(CELL), PATCHES)


def test_a_straight_curve_has_half_the_area() -> None:
    pixels = (CELL.max(axis=2) > 0).sum()

    def share_left(cells: np.ndarray) -> np.ndarray:
        return np.array([(one != mean_baseline(CELL)).any(axis=2).sum() / pixels for one in cells])

    one = ends(share_left)
    assert (one.whole, one.replaced) == pytest.approx((1, 0), abs=0.02)
    found = areas(share_left, one, np.arange(len(PATCHES.on_cell)))
    assert found.deletion == pytest.approx(0.5, abs=0.02)
    assert found.insertion == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("score", [looks_at_place, looks_for_normal])
def test_the_true_map_beats_random_and_center_and_its_opposite_loses(score) -> None:
    speaks_for_all = 1 if score is looks_at_place else -1
    true = np.where(PLACE, 1.0, 0.0) * speaks_for_all
    one = ends(score)
    assert one.predicted_all == (speaks_for_all == 1)
    good, bad = (measure(score, one, map_, seed=1) for map_ in (true, -true))
    assert good["whole"] == pytest.approx(0.9, abs=0.01)
    # With four of the patches first, the curve falls at once and stays at 0.1.
    assert good["deletion_map"] < 0.3
    assert good["insertion_map"] > 0.7
    for key in ("deletion_over_random", "insertion_over_random", "deletion_over_center"):
        assert good[key] > 0.05
        assert bad[key] < 0


def test_random_maps_are_drawn_anew_and_the_center_comes_first() -> None:
    one = ends(looks_at_place)
    orders = rankings(one, np.zeros((3, 3)), seed=0, random_maps=3)
    assert len({tuple(order) for order in orders["random"]}) == 3
    assert all(sorted(order) == list(range(len(PATCHES.on_cell))) for order in orders["random"])
    (center,) = orders["center"]
    first = PATCHES.on_cell[center[0]]
    assert {first // 12, first % 12} <= {5, 6}


def test_a_cell_of_one_patch_has_the_area_between_its_ends() -> None:
    speck = np.zeros_like(CELL)
    speck[150:155, 150:155] = 90
    one = Ends(speck, mean_baseline(speck), cut_into_patches(speck, 300), True, 0.8, 0.4)
    found = areas(looks_at_place, one, np.array([0]))
    assert (found.deletion, found.insertion) == pytest.approx((0.6, 0.6))


def test_persons_count_the_same_however_many_cells_they_have() -> None:
    person = np.array(["1"] * 8 + ["2", "3", "H1", "H2", "H3"], dtype=object)
    label = np.array([1] * 10 + [0] * 3)
    cells = [{"gain": 1.0}] * 8 + [{"gain": 0.0}] * 5
    found = over_persons(cells, label, person)["gain"]
    assert found.value == pytest.approx(1 / 6)
    # Person 1 is drawn 0 to 3 times among the three with ALL.
    assert (found.low, found.high) == (0, pytest.approx(3 / 6, abs=0.17))
    few = over_persons(cells, np.ones(13), person)["gain"]
    assert few.low is None
    assert "HEM" in few.reason
