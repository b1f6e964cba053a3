import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.errors import SplitError
from leukoscope.data.cohort import ALL, HEM, Cohort, make_cohort
from leukoscope.data.splits.partition import PARTS
from leukoscope.data.splits.subsample import common_counts, subsample


def divided(labels: list[int], parts: list[str]) -> Cohort:
    """Cells in parts."""
    table = {"path": [f"{row}.bmp" for row in range(len(labels))], "label": labels, "part": parts}
    return make_cohort(table, source="drawn")


def two_divisions(seed: int, cells: int) -> list[Cohort]:
    """One table under two splits, both classes in the training part of each."""
    random = np.random.default_rng(seed)
    labels = [ALL, HEM] * 4 + random.permutation([ALL] * cells + [HEM] * (cells // 3)).tolist()
    drawn = [random.choice(PARTS, len(labels) - 8).tolist() for _ in range(2)]
    return [divided(labels, ["train"] * 8 + own) for own in drawn]


@settings(max_examples=40)
@given(st.integers(0, 99), st.integers(0, 60), st.integers(2, 60))
def test_every_split_gets_the_same_cells_of_each_class(seed: int, cells: int, most: int) -> None:
    cohorts = two_divisions(seed, cells)
    try:
        counts = common_counts(cohorts, ("train",), most)
    except SplitError:  # a class so rare that none of it is left
        whole = cohorts[0].counts()
        assert min(whole.values()) * most < sum(whole.values())
        return
    for cohort in cohorts:
        drawn = subsample(cohort, counts, seed)
        kept = drawn["part"] == "train"
        for label in (ALL, HEM):
            assert np.sum(kept & (cohort["label"] == label)) == counts["train"][label] > 0
        assert np.all(cohort["part"][kept] == "train")
        others = cohort["part"] != "train"
        assert drawn["part"][others].tolist() == cohort["part"][others].tolist()
    share = cohorts[0].counts()["ALL"] / len(cohorts[0])
    total = sum(counts["train"].values())
    assert abs(counts["train"][ALL] - share * total) < 1
    assert total <= most


def test_the_smallest_part_of_all_splits_decides() -> None:
    rich = divided([ALL] * 6 + [HEM] * 6, ["train"] * 4 + ["test"] * 2 + ["train"] * 6)
    poor = divided([ALL] * 6 + [HEM] * 6, ["train"] * 5 + ["test"] + ["train"] * 3 + ["test"] * 3)
    assert common_counts([rich, poor], ("train",)) == {"train": {ALL: 3, HEM: 3}}


def test_the_draw_goes_by_the_cells_and_not_by_their_rows() -> None:
    cohort = divided([ALL] * 20 + [HEM] * 10, ["train"] * 30)
    counts = common_counts([cohort], ("train",), 12)
    back = np.arange(30)[::-1]
    kept = subsample(cohort, counts, 3)
    again = subsample(cohort.select(back), counts, 3)
    assert again["part"][back].tolist() == kept["part"].tolist()
    assert subsample(cohort, counts, 4)["part"].tolist() != kept["part"].tolist()


def test_too_few_cells_for_both_classes_are_refused() -> None:
    labels = [ALL] * 30 + [HEM]
    cohorts = [divided(labels, ["train"] * 30 + [own]) for own in ("train", "test")]
    with pytest.raises(SplitError, match="0 common cells for train"):
        common_counts(cohorts, ("train",))
    with pytest.raises(SplitError, match=r"1 common cells.*--cells"):
        common_counts(cohorts[:1], ("train",), 1)
