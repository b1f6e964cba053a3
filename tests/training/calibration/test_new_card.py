import pytest

from leukoscope.data.cohort import make_cohort
from leukoscope.data.splits.partition import Split
from leukoscope.training.calibration.new_card import training_data

SPLIT = Split("person", 0, "person", {}, leaky=False)


@pytest.mark.parametrize(("column", "count"), [({"cell": list("abcd")}, 2), ({}, None)])
def test_images_that_the_audit_could_not_compare_are_counted(
    column: dict[str, list[str]], count: int | None
) -> None:
    table = {
        "path": list("abcd"),
        "label": [1, 0, 1, 0],
        "flags": ["no-border", "blank", "", "no-border"],
        "part": ["train", "validation", "train", "test"],
    }
    cohort = make_cohort(table | column)
    assert training_data(cohort, SPLIT.reference, synthetic=False).not_compared == count
