import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.data.cohort import ALL, HEM, Cohort, make_cohort
from leukoscope.data.partition import PARTS
from leukoscope.data.thinning import common_counts, thinned
from leukoscope.errors import SplitError


def divided(labels: list[int], parts: list[str]) -> Cohort:
    """Cells in parts."""
    table = {"path": [f"{row}.bmp" for row in range(len(labels))], "label": labels, "part": parts}
    return make_cohort(table, source="drawn")


@st.composite
def two_divisions(draw: st.DrawFn) -> list[Cohort]:
    """One table under two splits, both classes in the training part of each."""
    labels = draw(st.lists(st.sampled_from([ALL, HEM]), min_size=8, max_size=60))
    labels[:8] = [ALL, HEM] * 4
    drawn = [draw(st.lists(st.sampled_from(PARTS), min_size=60, max_size=60)) for _ in range(2)]
    return [divided(labels, ["train"] * 8 + own[8 : len(labels)]) for own in drawn]


@settings(max_examples=40)
@given(two_divisions(), st.integers(2, 60), st.integers(0, 9))
def test_every_split_gets_the_same_cells_of_each_class(
    cohorts: list[Cohort], most: int, seed: int
) -> None:
    try:
        counts = common_counts(cohorts, ("train",), most)
    except SplitError:  # a class so rare that none of it is left
        whole = cohorts[0].counts()
        assert min(whole.values()) * most < sum(whole.values())
        return
    for cohort in cohorts:
        drawn = thinned(cohort, counts, seed)
        kept = drawn["part"] == "train"
        for label in (ALL, HEM):
            assert np.sum(kept & (cohort["label"] == label)) == counts["train"][label] > 0
        assert np.all(cohort["part"][kept] == "train")
        others = cohort["part"] != "train"
        assert drawn["part"][others].tolist() == cohort["part"][others].tolist()
    share = cohorts[0].counts()["ALL"] / len(cohorts[0])
    cells = sum(counts["train"].values())
    assert abs(counts["train"][ALL] - share * cells) < 1
    assert cells <= most


def test_the_smallest_part_of_all_splits_decides() -> None:
    rich = divided([ALL] * 6 + [HEM] * 6, ["train"] * 4 + ["test"] * 2 + ["train"] * 6)
    poor = divided([ALL] * 6 + [HEM] * 6, ["train"] * 5 + ["test"] + ["train"] * 3 + ["test"] * 3)
    assert common_counts([rich, poor], ("train",)) == {"train": {ALL: 3, HEM: 3}}


def test_the_draw_goes_by_the_cells_and_not_by_their_rows() -> None:
    cohort = divided([ALL] * 20 + [HEM] * 10, ["train"] * 30)
    counts = common_counts([cohort], ("train",), 12)
    back = np.arange(30)[::-1]
    kept = thinned(cohort, counts, 3)
    again = thinned(cohort.select(back), counts, 3)
    assert again["part"][back].tolist() == kept["part"].tolist()
    assert thinned(cohort, counts, 4)["part"].tolist() != kept["part"].tolist()


def test_a_class_that_would_be_lost_is_named() -> None:
    cohort = divided([ALL] * 30 + [HEM], ["train"] * 31)
    with pytest.raises(SplitError, match="ALL|HEM"):
        common_counts([cohort, divided([ALL] * 30 + [HEM], ["train"] * 30 + ["test"])], ("train",))
