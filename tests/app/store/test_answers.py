"""A case of the served model file has answers for its subjects."""

import csv
import io

from leukoscope.app.export.export import case_csv
from leukoscope.app.limits import Limits
from leukoscope.app.schemas import CaseChange, CellChange
from leukoscope.app.store import Store
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.subject.answer import answer_subject
from tests.app.store.made import SHA256, add, answer, new_case
from tests.inference.subject.test_answer import MODEL


def opened(sha256: str) -> Store:
    store = Store("sqlite://", Limits(), {sha256: MODEL})
    store.open()
    return store


def test_the_answer_is_that_of_all_usable_cells_whatever_the_threshold() -> None:
    store = opened(SHA256)
    case = new_case(store)
    add(store, case, *(answer(n, 0.9, logit=1.0 + n / 10) for n in range(6)))
    add(store, case, answer(7, 0.9, logit=-9.0, verdict=Verdict.NOT_A_CELL))
    (one,) = store.head(case).subjects
    expected = answer_subject(MODEL, [1.0 + n / 10 for n in range(6)])
    assert one.answer is not None
    assert one.answer.model_dump() == vars(expected)
    assert "leukemic" in one.answer_sentence
    (changed,) = store.change(case, CaseChange(threshold=0.95)).subjects
    assert changed.answer == one.answer
    assert store.case(case).subjects[0].answer == one.answer
    store.close()


def test_every_way_to_read_a_case_has_the_same_answer_after_every_change() -> None:
    store = opened(SHA256)
    case = new_case(store)
    for number in range(7):
        add(store, case, answer(number, 0.9, logit=1.0 + number / 10))
        (listed,) = store.heads()
        assert listed.subjects == store.head(case).subjects
        assert listed.subjects[0].answer is not None
        assert listed.subjects[0].answer.cells == number + 1
    expected = listed.subjects[0].answer
    table = csv.DictReader(io.StringIO(b"".join(case_csv(store.case(case))).decode()))
    for row in table:
        assert row["subject_verdict"] == expected.verdict
        assert float(row["subject_p_leukemic"]) == expected.probability
        assert int(row["subject_usable_cells"]) == 7
    store.move(case, CellChange(cells=[cell.id for cell in store.case(case).cells], subject="8"))
    assert store.heads()[0].subjects[0].subject == "8"
    assert store.heads()[0].subjects[0].answer == expected
    store.close()


def test_a_case_of_another_model_file_has_no_answer() -> None:
    store = opened("00" * 32)
    case = new_case(store)
    add(store, case, answer(1, 0.9))
    for one in (store.head(case).subjects[0], store.heads()[0].subjects[0]):
        assert (one.answer, one.answer_sentence) == (None, "")
    (row,) = csv.DictReader(io.StringIO(b"".join(case_csv(store.case(case))).decode()))
    assert row["subject_verdict"] == row["subject_p_leukemic"] == ""
    store.close()


def test_copies_in_a_case_count_once() -> None:
    store = opened(SHA256)
    case = new_case(store)
    add(store, case, *(answer(n, 0.9, logit=1.0, pixels="ab" * 32) for n in range(6)))
    (subject,) = store.head(case).subjects
    assert subject.answer is not None
    assert (subject.answer.cells, subject.answer.copies, subject.cells) == (1, 5, 6)
    store.close()
