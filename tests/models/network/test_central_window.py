import numpy as np
import pytest
import torch

from leukoscope.models.network.central_window import central, on_grid, overlap, shrink, window_begin

SIDE = 160


@pytest.mark.parametrize(("whole", "side"), [(400, 256), (160, 256), (33, 12), (12, 12)])
def test_the_middle_is_as_far_from_either_edge(whole: int, side: int) -> None:
    row = torch.arange(whole)
    found = central((row[:, None] * 1000 + row)[None], side)[0]
    begin = window_begin(whole, side)
    end = begin + min(whole, side)
    assert torch.equal(found[:, 0] // 1000, row[begin:end])
    assert torch.equal(found[0] % 1000, row[begin:end])
    assert 0 <= whole - end - begin <= 1


def test_the_axes_of_planes_are_told() -> None:
    cells = torch.rand(2, 40, 40, 3)
    planes = central(cells.permute(0, 3, 1, 2), 16, axis=2)
    torch.testing.assert_close(planes, central(cells, 16).permute(0, 3, 1, 2))


def test_shrinking_averages_areas() -> None:
    planes = np.random.default_rng(0).uniform(0, 1, (2, 3, 32, 48)).astype(np.float32)
    shrunk = shrink(torch.from_numpy(planes)).numpy()
    exact = planes.repeat(3, 2).repeat(3, 3).reshape(2, 3, 24, 4, 36, 4).mean((3, 5))
    np.testing.assert_allclose(shrunk, exact, atol=1e-6)


@pytest.mark.parametrize("begin", [0, 24, 32])
@pytest.mark.parametrize("stride", [8.0, 16 / 3, 32 / 3, 64 / 3])
def test_the_grid_keeps_the_sum_and_the_place(stride: float, begin: int) -> None:
    count = int(96 // stride)
    along = overlap(count, stride, begin, SIDE)
    assert along.shape == (count, SIDE // 8)
    torch.testing.assert_close(along.sum(dim=1), torch.ones(count))
    for place, row in enumerate(along):
        filled = (row > 1e-5).nonzero()
        assert filled.min() == int((begin + place * stride + 1e-5) // 8)
        assert filled.max() == int(np.ceil((begin + (place + 1) * stride) / 8 - 1e-5)) - 1


def test_what_lies_beyond_the_crop_is_lost() -> None:
    assert overlap(2, 64 / 3, SIDE - 16, SIDE).sum() == pytest.approx(16 / (64 / 3))


def test_a_map_in_places_of_the_grid_is_moved_alone() -> None:
    map_ = torch.rand(2, 12, 12)
    grid = on_grid(map_, SIDE)
    assert grid.shape == (2, SIDE // 8, SIDE // 8)
    assert torch.equal(grid[:, 4:16, 4:16], map_)
    assert grid.sum() == map_.sum()
    along = overlap(12, 8, window_begin(SIDE, 96), SIDE)
    torch.testing.assert_close(along.T @ map_ @ along, grid)
    assert torch.equal(on_grid(map_, 90), map_)  # no smaller than the map
