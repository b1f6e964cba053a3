"""The picture shows the cell as it is, and beside it the signs of the map in their places."""

import numpy as np

from leukoscope.inference.overlay import AGAINST, FOR, OPACITY, overlay

CELL = np.full((40, 40, 3), 100, np.uint8)


def test_both_signs_stand_in_their_places() -> None:
    heatmap = np.zeros((4, 4))
    heatmap[0, 0], heatmap[3, 3] = 2.0, -2.0
    found = overlay(CELL, heatmap)
    assert found.shape == (40, 80, 3)
    assert np.array_equal(found[:, :40], CELL)
    full = [np.rint((1 - OPACITY) * 100 + OPACITY * np.array(one)) for one in (FOR, AGAINST)]
    assert np.abs(found[0, 40] - full[0]).max() <= 1
    assert np.abs(found[39, 79] - full[1]).max() <= 1
    assert np.array_equal(found[20, 60], CELL[20, 20])


def test_an_empty_map_changes_nothing() -> None:
    assert np.array_equal(overlay(CELL, np.zeros((3, 3)))[:, 40:], CELL)
