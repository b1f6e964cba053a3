import numpy as np
import pytest
import torch

from leukoscope.models.network.cell_window import (
    AFTER,
    BEFORE,
    shrink,
    spread,
    window,
)
from leukoscope.models.network.settings import ALIGN
from tests.models.network.cells import grainy

SIDE = 160


def tensor(*cells: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(cells))


def test_a_window_holds_the_cell_and_its_margins() -> None:
    cell = grainy(20, SIDE, center=(10, -14))
    part = window(tensor(cell))
    top, left = int(part.top), int(part.left)
    height, width = part.cells.shape[1:3]
    rows, columns = np.flatnonzero(cell.any((1, 2))), np.flatnonzero(cell.any((0, 2)))
    assert top <= rows[0] - BEFORE
    assert left <= columns[0] - BEFORE
    assert top + height > rows[-1] + AFTER
    assert left + width > columns[-1] + AFTER
    assert {top % ALIGN, left % ALIGN, height % ALIGN, width % ALIGN} == {0}
    assert (part.cells[0].numpy() == cell[top : top + height, left : left + width]).all()


def test_cells_together_share_a_window() -> None:
    part = window(tensor(grainy(9, SIDE, center=(-40, 0)), grainy(9, SIDE, center=(40, 0))))
    assert part.cells.shape[1] > 80
    assert part.cells.shape[2] < 80


@pytest.mark.parametrize("value", [0, 9])
def test_a_crop_without_edges_is_its_own_window(value: int) -> None:
    part = window(torch.full((1, SIDE, SIDE, 3), value, dtype=torch.uint8))
    assert part.cells.shape == (1, SIDE, SIDE, 3)
    assert (int(part.top), int(part.left)) == (0, 0)


def test_shrinking_averages_areas() -> None:
    planes = np.random.default_rng(0).uniform(0, 1, (2, 3, 32, 48)).astype(np.float32)
    shrunk = shrink(torch.from_numpy(planes)).numpy()
    exact = planes.repeat(3, 2).repeat(3, 3).reshape(2, 3, 24, 4, 36, 4).mean((3, 5))
    np.testing.assert_allclose(shrunk, exact, atol=1e-6)


@pytest.mark.parametrize("stride", [8.0, 16 / 3, 32 / 3, 64 / 3])
def test_spreading_keeps_the_sum_and_the_place(stride: float) -> None:
    count = int(96 // stride)
    values = torch.rand(2, count, count)
    grid = spread(values, torch.tensor(32), torch.tensor(48), stride, SIDE)
    assert grid.shape == (2, SIDE // 8, SIDE // 8)
    torch.testing.assert_close(grid.sum((1, 2)), values.sum((1, 2)))
    end = int(np.ceil((48 + count * stride) / 8 - 1e-6))
    assert (grid[:, :4] == 0).all()
    assert (grid[:, :, :6] == 0).all()
    assert (grid[:, :, end:] < 1e-5).all()
    one = torch.zeros(1, count, count)
    one[0, 1, 2] = 1
    rows, columns = (
        spread(one, torch.tensor(32), torch.tensor(48), stride, SIDE)[0].gt(1e-5).nonzero().T
    )
    assert rows.min() == int((32 + stride) // 8)
    assert columns.min() == int((48 + 2 * stride) // 8)
