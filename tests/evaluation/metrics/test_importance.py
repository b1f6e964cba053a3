import numpy as np
import pytest

from leukoscope.evaluation.metrics.importance import (
    permutation_importance,
    read_importance,
    write_importance,
)
from leukoscope.evaluation.report.plots_cells import importance

GROUPS = {"noise": [2, 3], "weak": [1], "strong": [0], "misleading": [4]}
WEIGHTS = np.array([1.0, 0.3, 0.0, 0.0, -0.3])


def cells(seed=0, persons=8, of_each=60):
    random = np.random.default_rng(seed)
    label = np.repeat([1, 0], persons * of_each)
    values = random.normal(size=(len(label), 5)).astype(np.float32)
    values[:, [0, 1, 4]] += label[:, None]
    return values, label, np.repeat(np.arange(2 * persons), of_each).astype(str)


def measured(**more):
    return permutation_importance(lambda values: values @ WEIGHTS, *cells(), GROUPS, **more)


def test_groups_are_ranked_by_what_the_model_loses_without_them():
    found = {one.group: one for one in measured()}
    assert list(found) == ["strong", "weak", "noise", "misleading"]
    assert found["strong"].drop > 0.15 > found["weak"].drop > 0.01
    assert found["noise"].drop == found["noise"].low == found["noise"].high == 0
    assert found["misleading"].high < 0
    assert found["noise"].descriptors == 2
    for one in found.values():
        assert one.low <= one.drop <= one.high


def test_a_group_is_dealt_out_together():
    """Two columns that say the same: without either alone a model that adds them loses less."""
    values, label, person = cells()
    values[:, 1] = values[:, 0]

    def both(values):
        return values[:, 0] + values[:, 1]

    together = permutation_importance(both, values, label, person, {"pair": [0, 1]})
    alone = permutation_importance(both, values, label, person, {"one": [0]})
    assert together[0].drop > alone[0].drop + 0.02
    base = permutation_importance(both, values, label, person, {"pair": [0, 1]}, repeats=60)
    assert base[0].drop == pytest.approx(0.76 - 0.5, abs=0.05)  # Phi(1 / sqrt(2)) is 0.760


def test_the_spread_is_over_persons():
    """Persons who differ make a wider range than persons who do not."""
    values, label, person = cells()
    shift = np.random.default_rng(3).normal(0, 1, 16)[person.astype(int)]
    unlike = values + (shift[:, None] * np.array([1, 0, 0, 0, 0])).astype(np.float32)
    ranges = [
        permutation_importance(lambda v: v[:, 0], one, label, person, {"strong": [0]}, repeats=60)[
            0
        ]
        for one in (values, unlike)
    ]
    assert ranges[1].high - ranges[1].low > 1.5 * (ranges[0].high - ranges[0].low)


def test_values_are_left_as_they_are_and_the_seed_decides():
    values, label, person = cells()
    before = values.copy()
    one, again, other = (
        permutation_importance(lambda v: v @ WEIGHTS, values, label, person, GROUPS, seed=seed)
        for seed in (0, 0, 1)
    )
    assert np.array_equal(values, before)
    assert one == again != other


def test_table_and_back_and_a_plot(tmp_path):
    found = measured(repeats=5)
    write_importance(found, tmp_path / "importance.csv")
    assert read_importance(tmp_path / "importance.csv") == found
    labels = [text.get_text() for text in importance(found).axes[0].get_yticklabels()]
    assert labels[0] == "strong (1)"
