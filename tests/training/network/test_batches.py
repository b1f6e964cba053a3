import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.models.recipe.settings import Augment
from leukoscope.training.network.batches import training_batches

CELLS = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)


def epoch(
    n: int, batch_size: int, *, world: int = 1, rank: int = 0, jobs: int = 2, number: int = 0
):
    order = np.random.default_rng(1).permutation(len(CELLS))[:n]
    batches = training_batches(
        CELLS,
        order,
        Augment(),
        batch_size=batch_size,
        seed=3,
        epoch=number,
        rank=rank,
        world=world,
        jobs=jobs,
    )
    return order, list(batches)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(1, 17))
def test_every_row_comes_once_in_order(n: int, batch_size: int) -> None:
    order, batches = epoch(n, batch_size)
    assert np.concatenate([rows for rows, _ in batches]).tolist() == order.tolist()
    assert all(len(rows) == batch_size for rows, _ in batches[:-1])
    assert all(len(rows) == len(cells) for rows, cells in batches)


@settings(deadline=None, max_examples=15)
@given(st.integers(3, 40), st.integers(3, 17), st.integers(2, 3))
def test_processes_share_a_batch_without_changing_a_cell(
    n: int, batch_size: int, world: int
) -> None:
    _, whole = epoch(n, batch_size)
    shares = [epoch(n, batch_size, world=world, rank=rank)[1] for rank in range(world)]
    assert len({len(share) for share in shares}) == 1  # or one process would wait for ever
    for step, (rows, cells) in enumerate(whole[: len(shares[0])]):
        for rank, share in enumerate(shares):
            assert share[step][0].tolist() == rows[rank::world].tolist()
            assert np.array_equal(share[step][1], cells[rank::world])
    left_out = sum(len(rows) for rows, _ in whole[len(shares[0]) :])
    assert left_out < world


def test_threads_change_nothing() -> None:
    one, four = epoch(40, 7, jobs=1)[1], epoch(40, 7, jobs=4)[1]
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(one, four, strict=True))


def test_an_epoch_augments_otherwise_than_the_last() -> None:
    first, second = epoch(8, 8)[1], epoch(8, 8, number=1)[1]
    assert not np.array_equal(first[0][1], second[0][1])


def test_a_consumer_that_stops_early_leaves_nothing_running() -> None:
    order = np.arange(40)
    batches = training_batches(CELLS, order, Augment(), batch_size=4, seed=0, epoch=0)
    next(batches)
    batches.close()
    with pytest.raises(StopIteration):
        next(batches)
