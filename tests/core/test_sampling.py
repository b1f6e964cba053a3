"""Samples of rows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.sampling import evenly_spread


@given(st.integers(0, 10**6), st.integers(1, 2000))
def test_a_sample_has_both_ends_and_equal_distances(count: int, most: int) -> None:
    rows = evenly_spread(count, most)
    assert len(rows) == min(count, most)
    if len(rows) > 1:
        steps = [b - a for a, b in pairwise(rows)]
        assert rows[0] == 0
        assert rows[-1] == count - 1
        assert min(steps) > 0
        assert max(steps) - min(steps) <= 1


def test_all_rows_of_a_small_set_are_taken() -> None:
    assert evenly_spread(3, 10) == [0, 1, 2]
    assert evenly_spread(5, 1) == [0]
    assert evenly_spread(0, 5) == []
