from pathlib import Path

import numpy as np
import pytest

from leukoscope.core.errors import CohortError
from leukoscope.data.audit.checked import (
    not_compared,
    remarks,
    require_readable,
    require_unchanged,
    unread,
    up_to_date,
)
from leukoscope.data.cohort import Cohort, hash_cells, make_cohort


@pytest.fixture
def audited(tmp_path: Path) -> Cohort:
    """Three files with the columns of an audit."""
    for name in "abc":
        (tmp_path / name).write_text(name)
    paths = [str(tmp_path / name) for name in "abc"]
    table = {"path": paths, "cell": list("abc"), "label": [1, 0, -1]}
    return hash_cells(make_cohort(table, source="cohort.csv"))


def test_an_audit_of_the_same_images_is_accepted(audited: Cohort) -> None:
    assert list(up_to_date(audited)["sha256"]) == list(audited["sha256"])
    assert remarks(audited) == []


def test_changed_images_are_refused_by_name(audited: Cohort) -> None:
    Path(audited["path"][1]).write_text("other")
    with pytest.raises(CohortError, match=r"1 of 3 .*data audit cohort\.csv.*/b\)"):
        up_to_date(audited)
    with pytest.raises(CohortError, match="/b"):
        require_unchanged(audited, hash_cells(audited), "the training")


def test_images_that_the_audit_could_not_read_are_refused_once_they_are_there(
    audited: Cohort,
) -> None:
    file = Path(audited["path"][2])
    file.rename(file.with_suffix(".away"))
    while_away = hash_cells(audited).with_columns(cell=["a", "b", ""])
    assert list(unread(while_away)) == [False, False, True]
    assert len(remarks(while_away)) == 1
    assert list(up_to_date(while_away)["sha256"][2:]) == [""]
    require_readable(while_away)  # it has no label, so nothing is trained on it
    file.with_suffix(".away").rename(file)
    with pytest.raises(CohortError, match=r"1 of 3 .*not audited.*/c\)"):
        up_to_date(while_away)


def test_rows_added_after_the_audit_are_refused(audited: Cohort) -> None:
    added = audited.with_columns(cell=["a", "b", ""], sha256=[*audited["sha256"][:2], ""])
    with pytest.raises(CohortError, match="not audited"):
        up_to_date(added)


def test_labeled_images_that_cannot_be_opened_are_refused_with_the_cause(audited: Cohort) -> None:
    Path(audited["path"][0]).unlink()
    with pytest.raises(CohortError, match=r"1 of 3 .*There is no file .*/a"):
        require_readable(hash_cells(audited))


def test_images_that_were_not_compared_are_counted_by_reason() -> None:
    flags = ["no-border", "blank;blurred", "too-small-to-match", "unreadable", ""]
    cohort = make_cohort({"path": list("abcde"), "flags": flags, "cell": [*"abc", "", "e"]})
    assert np.flatnonzero(not_compared(cohort)).tolist() == [0, 1, 2]
    assert np.flatnonzero(unread(cohort)).tolist() == [3]
    assert ["3 of 5" in line for line in remarks(cohort)] == [False, True]
