"""A case of the served model file has answers for its subjects."""

from leukoscope.app.limits import Limits
from leukoscope.app.schemas import CaseChange
from leukoscope.app.store import Store
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.subject.answer import answer_subject
from tests.app.store.made import SHA256, add, answer, new_case
from tests.inference.subject.test_answer import MODEL


def opened(sha256: str) -> Store:
    store = Store("sqlite://", Limits(), sha256, MODEL)
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


def test_a_case_of_another_model_file_has_no_answer() -> None:
    store = opened("00" * 32)
    case = new_case(store)
    add(store, case, answer(1, 0.9))
    (one,) = store.head(case).subjects
    assert (one.answer, one.answer_sentence) == (None, "")
    store.close()
