from pathlib import Path

import numpy as np
import pytest

from leukoscope.api.data import audited as read_audited
from leukoscope.core.errors import CohortError
from leukoscope.data.audit.audit import audit
from leukoscope.data.audit.checked import (
    not_compared,
    remarks,
    require_one_audit,
    require_readable,
    require_unchanged,
    unread,
    up_to_date,
    why_not_one_audit,
)
from leukoscope.data.cohort import Cohort, make_cohort, read_cohort_table, write_cohort
from leukoscope.data.hashing import hash_cells
from tests.data.cells import draw_cell, save_cohort


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


def _joined(folder: Path, tables: list[Cohort]) -> Cohort:
    """The rows of two tables in one file, as somebody would paste them."""
    names = list(tables[0])
    columns = {name: [*tables[0][name], *tables[1][name]] for name in names}
    write_cohort(make_cohort(columns), folder / "joined.csv")
    return read_cohort_table(folder / "joined.csv")


@pytest.fixture(scope="module")
def two_audits(tmp_path_factory: pytest.TempPathFactory) -> list[Cohort]:
    """Subject 1 and subject 2, who share a cell, each in an audit of its own."""
    tables = []
    for number in (1, 2):
        folder = tmp_path_factory.mktemp("part")
        images = {"a.png": draw_cell(7), "b.png": draw_cell(number)}
        tables.append(audit(save_cohort(folder, images, [1, 1], [str(number)] * 2)).cohort)
    return tables


def test_tables_of_two_audits_put_together_are_refused_until_audited_again(
    two_audits: list[Cohort], tmp_path: Path
) -> None:
    joined = _joined(tmp_path, two_audits)
    assert "2 audits (2 and 2 images)" in why_not_one_audit(joined)
    for use in (require_one_audit, read_audited):
        with pytest.raises(CohortError, match=r"data audit .*joined\.csv"):
            use(joined)
    again = audit(joined).cohort
    assert set(again["person"]) == {"1"}
    assert len(read_audited(again)) == 4


def test_part_of_one_audit_and_the_same_audit_twice_are_accepted(
    two_audits: list[Cohort], tmp_path: Path
) -> None:
    first = two_audits[0]
    assert why_not_one_audit(first.select(np.array([1]))) == ""
    assert why_not_one_audit(_joined(tmp_path, [first, first])) == ""


def test_a_keyed_table_with_rows_of_an_earlier_version_is_refused(
    two_audits: list[Cohort],
) -> None:
    keys = [*two_audits[0]["audit_key"][:1], ""]
    assert "2 audits" in why_not_one_audit(two_audits[0].with_columns(audit_key=keys))


@pytest.mark.parametrize(
    ("name", "values"), [("cell", ["a", "b", "c"]), ("person", ["1", "2", "2"])]
)
def test_a_table_without_keys_is_refused_if_it_contradicts_itself(
    audited: Cohort, name: str, values: list[str]
) -> None:
    same = {"sha256": ["ab" * 32] * 2 + ["cd" * 32], "subject": ["1"] * 3, "person": ["1"] * 3}
    sound = audited.with_columns(**{**same, "cell": ["a", "a", "c"]})
    assert why_not_one_audit(sound) == ""
    assert name in why_not_one_audit(sound.with_columns(**{name: values}))
    conflict = ["label-conflict", "label-conflict", ""]
    if name == "cell":
        flagged = sound.with_columns(cell=values, flags=conflict)
        assert why_not_one_audit(flagged) == ""
