"""Answers for the subjects of a result table, the table of subjects, and cells in context."""

from pathlib import Path

import pytest

from leukoscope.core.errors import CohortError
from leukoscope.core.tables import read_table
from leukoscope.inference.subject.rows import context_column, with_context
from leukoscope.inference.subject.table import SUBJECT_FIELDS, check_name, write_subjects
from leukoscope.inference.summary import summarize
from tests.inference.subject.test_answer import MODEL


def row(subject: str, verdict: str, logit: float | None) -> dict[str, object]:
    return {"subject": subject, "verdict": verdict, "logit": logit, "path": ""}


ROWS = [
    *[row("1", "blast", 1.0 + i / 10) for i in range(6)],
    row("1", "not a cell", 9.0),
    row("1", "error", None),
    row("2", "uncertain", -1.0),
    row("3", "not a cell", -1.0),
    row("", "normal", -1.0),
]


def test_each_subject_is_answered_from_its_usable_cells() -> None:
    one, two, three, none = summarize(ROWS, MODEL).subjects
    assert [s.answer.cells for s in (one, two, three, none) if s.answer] == [6, 1, 0, 1]
    assert one.answer is not None
    assert one.answer.verdict == "leukemic"
    assert three.answer is not None
    assert (three.answer.verdict, three.answer.probability) == ("uncertain", None)
    assert "leukemic" in one.answer_sentence()


def test_without_a_model_nothing_changes() -> None:
    plain = summarize(ROWS)
    assert [one.answer for one in plain.subjects] == [None] * 4
    assert plain.subjects[0].answer_sentence() == ""
    assert context_column(ROWS, None) == [None] * len(ROWS)


def test_the_table_of_subjects_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "subjects.csv"
    write_subjects(path, summarize(ROWS, MODEL).subjects, "tiny")
    table = read_table(path, text=["subject"])
    assert tuple(table) == SUBJECT_FIELDS
    assert table["subject"].tolist() == ["1", "2", "3", ""]
    assert table["verdict"].tolist() == ["leukemic", "uncertain", "uncertain", "uncertain"]
    assert table["usable_cells"].tolist() == [6, 1, 0, 1]
    write_subjects(path, summarize(ROWS).subjects, "tiny")
    assert read_table(path, text=["verdict"])["verdict"].tolist() == [""] * 4


def test_another_suffix_is_refused() -> None:
    check_name(None)
    with pytest.raises(CohortError):
        check_name(Path("subjects.xlsx"))


def test_context_leaves_verdicts_and_unusable_cells_alone() -> None:
    held = with_context(ROWS, MODEL)
    assert [one["verdict"] for one in held] == [one["verdict"] for one in ROWS]
    known = [one["p_all_in_context"] is not None for one in held]
    assert known == [True] * 6 + [False, False, True, False, False]
