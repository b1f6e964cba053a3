"""What cases do, the same in a file, in memory and in PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from leukoscope.app.schemas import CaseChange, CaseIn, CellChange, Review, Reviews
from leukoscope.app.store import ConflictError, NotFoundError, Store, StoreError
from leukoscope.core.values import ConformalThresholds
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.verdict import predicted_class
from tests.app.store.made import MODEL, SHA256, THRESHOLD, add, answer, new_case, open_store

PS = (0.2, 0.4, 0.6, 0.7, 0.95)
HOSTILE = "<b>Fäll 細胞</b> '; DROP TABLE cases; -- \\ %s :x {y}"


def test_a_case_starts_empty_and_remembers_its_model(store: Store) -> None:
    before = datetime.now(UTC)
    head = store.create(CaseIn(name=HOSTILE, notes="two\nlines"), MODEL, SHA256, THRESHOLD)
    assert (head.name, head.notes, head.keep_images) == (HOSTILE, "two\nlines", False)
    assert (head.model, head.model_sha256, head.threshold) == (MODEL, SHA256, THRESHOLD)
    assert (head.own_threshold, head.reviewed, head.can_undo, head.subjects) == (
        False,
        0,
        False,
        [],
    )
    assert head.verdicts == dict.fromkeys(
        ("blast", "normal", "uncertain", "not a cell", "error"), 0
    )
    assert head.created == head.updated
    assert before <= head.created <= datetime.now(UTC)
    assert head.created.utcoffset() == timedelta(0)
    assert store.head(head.id) == head
    assert store.case(head.id).cells == []


def test_a_case_without_a_name_is_named_after_the_time(store: Store) -> None:
    head = store.create(CaseIn(name="  "), MODEL, SHA256, THRESHOLD)
    assert head.name.startswith("Case of 20")


def test_answers_come_back_to_the_last_digit(store: Store) -> None:
    case = new_case(store)
    given = [
        answer(1, 0.1 + 0.2, logit=-1e-17, flags=["no black border", "a | b"]),
        answer(2, 5e-324, subject="H10", name=HOSTILE),
        answer(3, None, reason='not an image; it is, "cut" short'),
        answer(4, None, verdict=Verdict.NOT_A_CELL, flags=["empty"], subject=""),
        answer(5, 0.9999999999999999),
    ]
    ids = add(store, case, *given)
    cells = store.case(case).cells
    assert [cell.id for cell in cells] == ids == sorted(ids)
    for cell, one in zip(cells, given, strict=True):
        said = one.model_dump() | {"cell_id": cell.id}
        assert {name: getattr(cell, name) for name in said} == said
        assert (cell.has_image, cell.review) == (False, None)
        assert store.cell(case, cell.id) == cell
        assert cell.answered.utcoffset() == timedelta(0)


def test_one_file_is_one_cell_of_a_case(store: Store) -> None:
    case, other = new_case(store), new_case(store)
    first = add(store, case, answer(1), answer(2), answer(1, name="again.bmp"))
    assert first[0] == first[2] != first[1]
    again = add(store, case, answer(3), answer(2, name="renamed.bmp"))
    assert again[1] == first[1]
    assert [cell.name for cell in store.case(case).cells] == [
        answer(number).name for number in (1, 2, 3)
    ]
    assert set(add(store, other, answer(1))).isdisjoint(first)


def test_files_that_were_never_read_are_rows_of_their_own(store: Store) -> None:
    case = new_case(store)
    ids = add(store, case, *(answer(one, None, sha256="", name=str(one)) for one in range(3)))
    assert len(set(ids)) == 3
    assert [cell.sha256 for cell in store.case(case).cells] == ["", "", ""]


def test_summaries_are_per_subject_and_in_order(store: Store) -> None:
    case = new_case(store)
    add(
        store,
        case,
        answer(1, 0.9, subject="10"),
        answer(2, 0.1, subject="2"),
        answer(3, 0.8, subject="2"),
        answer(4, None, subject="2"),
        answer(5, None, subject="", verdict=Verdict.NOT_A_CELL),
    )
    head = store.head(case)
    assert head.verdicts == {
        "blast": 2,
        "normal": 1,
        "uncertain": 0,
        "not a cell": 1,
        "error": 1,
    }
    assert [one.subject for one in head.subjects] == ["2", "10", ""]
    two = head.subjects[0]
    assert (two.cells, two.blasts, two.fraction, two.not_answered) == (3, 1, 0.5, 1)
    assert two.sentence.startswith("Subject 2: 1 of 2 cells predicted as blasts (50.0%")
    assert store.heads() == [head]
    whole = store.case(case)
    assert whole.seen_in_training == 0
    of_cells = {"cells", "notice", "seen_in_training"}
    assert whole.model_dump(exclude=of_cells) == head.model_dump()


def test_a_threshold_of_its_own_keeps_to_the_models_abstention(store: Store) -> None:
    case = new_case(store, possible=ConformalThresholds(all_from=0.3, hem_to=0.6))
    told = [
        (number, p, predicted_class(p, THRESHOLD, ConformalThresholds(0.3, 0.6)))
        for number, p in enumerate(PS)
    ]
    add(store, case, *(answer(n, p, verdict=d.verdict, reason=d.reason) for n, p, d in told))
    add(store, case, answer(9, 0.5, verdict=Verdict.NOT_A_CELL, reason="blurred"))

    def verdicts() -> list[str]:
        return [str(cell.verdict) for cell in store.case(case).cells]

    own = ["normal", "uncertain", "uncertain", "blast", "blast", "not a cell"]
    assert verdicts() == own
    head = store.change(case, CaseChange(threshold=0.9))
    assert verdicts() == ["normal", "uncertain", "uncertain", "uncertain", "blast", "not a cell"]
    assert (head.verdicts["uncertain"], head.verdicts["blast"]) == (3, 1)
    assert "1 of 2 cells" in head.subjects[0].sentence
    assert "4 not classified (3 uncertain, 1 not a cell)" in head.subjects[0].sentence
    reasons = [cell.reason for cell in store.case(case).cells]
    assert "fits ALL only" in reasons[3]
    assert (reasons[4], reasons[5]) == ("", "blurred")
    store.change(case, CaseChange(threshold=None))
    assert verdicts() == own
    assert [cell.reason for cell in store.case(case).cells][3] == ""
    assert head.abstains is not None
    assert (head.abstains.all_from, head.abstains.hem_to) == (0.3, 0.6)
    assert store.head(new_case(store)).abstains is None


def test_a_threshold_of_its_own_changes_verdicts_and_nothing_else(store: Store) -> None:
    case = new_case(store)
    add(store, case, answer(1, 0.5), answer(2, 0.39), answer(3, 0.9), answer(4, None))
    before = store.case(case)
    head = store.change(case, CaseChange(threshold=0.9))
    assert (head.threshold, head.own_threshold) == (0.9, True)
    assert (head.verdicts["blast"], head.verdicts["normal"], head.verdicts["error"]) == (1, 2, 1)
    assert [str(cell.verdict) for cell in store.case(case).cells] == [
        *("normal", "normal", "blast", "error")
    ]
    assert {cell.threshold for cell in store.case(case).cells} == {0.9}
    for threshold, blasts in ((0.0, 3), (0.39, 3), (0.5, 2), (0.51, 1), (1.0, 0)):
        head = store.change(case, CaseChange(threshold=threshold))
        assert head.verdicts["blast"] == blasts
    store.change(case, CaseChange(threshold=0.0))
    assert store.change(case, CaseChange(name="kept")).threshold == 0.0
    store.change(case, CaseChange(threshold=None))
    after = store.case(case)
    assert after.cells == before.cells
    assert (after.threshold, after.own_threshold, after.name) == (THRESHOLD, False, "kept")


def test_only_what_is_named_is_changed(store: Store) -> None:
    case = new_case(store, name="one", notes="two")
    assert store.change(case, CaseChange(notes="")).notes == ""
    head = store.change(case, CaseChange(name="three"))
    assert (head.name, head.notes) == ("three", "")
    assert head.updated > head.created


def test_reviews_given_together_are_undone_together(store: Store) -> None:
    case = new_case(store)
    one, two, three, junk = add(store, case, *(answer(n) for n in (1, 2, 3)), answer(4, None))
    store.review(case, one, Review(label="ALL"))
    both = Reviews(label="plasma cell", cells=[one, two, two], reviewer="Ada")
    assert store.review_all(case, both).reviewed == 2
    reviews = {cell.id: cell.review and cell.review.label for cell in store.case(case).cells}
    assert reviews == {one: "plasma cell", two: "plasma cell", three: None, junk: None}
    with pytest.raises(ConflictError):  # all of them or none
        store.review_all(case, Reviews(label="HEM", cells=[three, junk]))
    with pytest.raises(NotFoundError):
        store.review_all(case, Reviews(label="HEM", cells=[three, 10_000]))
    with pytest.raises(ConflictError):
        store.review(case, junk, Review(label="HEM"))
    assert store.undo(case).id in (one, two)
    reviews = {cell.id: cell.review and cell.review.label for cell in store.case(case).cells}
    assert reviews == {one: "ALL", two: None, three: None, junk: None}


def test_reviews_stand_beside_verdicts_and_undo_takes_back_the_latest(store: Store) -> None:
    case, other = new_case(store), new_case(store)
    one, two = add(store, case, answer(1), answer(2))
    (far,) = add(store, other, answer(1))
    store.review(other, far, Review(label="ALL"))
    cell = store.review(case, one, Review(label="HEM", reviewer=" Ada ", note="granules"))
    assert cell.verdict == Verdict.BLAST
    assert cell.review is not None
    assert (cell.review.label, cell.review.reviewer, cell.review.note) == ("HEM", "Ada", "granules")
    store.review(case, two, Review(label="ALL"))
    store.review(case, one, Review(label="not a cell"))
    head = store.head(case)
    assert (head.reviewed, head.can_undo) == (2, True)

    back = store.undo(case)
    assert (back.id, back.review and back.review.label) == (one, "HEM")
    back = store.undo(case)
    assert (back.id, back.review) == (two, None)
    store.review(case, two, Review(label="HEM"))
    assert [cell.review and cell.review.label for cell in store.case(case).cells] == ["HEM", "HEM"]
    assert store.undo(case).id == two
    assert store.undo(case).id == one
    assert store.head(case).can_undo is False
    with pytest.raises(ConflictError, match="no review"):
        store.undo(case)
    assert store.head(other).reviewed == 1


def test_cells_are_grouped_by_hand_all_or_none(store: Store) -> None:
    case, other = new_case(store), new_case(store)
    one, two = add(store, case, answer(1), answer(2))
    (far,) = add(store, other, answer(1))
    head = store.move(case, CellChange(cells=[two, two], subject=" K, left "))
    assert [summary.subject for summary in head.subjects] == ["7", "K, left"]
    for wrong in (far, 10**6, 2**40, -1):
        with pytest.raises(NotFoundError):
            store.move(case, CellChange(cells=[one, wrong], subject="x"))
    assert [cell.subject for cell in store.case(case).cells] == ["7", "K, left"]


def test_more_cells_than_a_query_can_name(store: Store) -> None:
    case = new_case(store)
    ids = add(store, case, *(answer(number) for number in range(1_200)))
    assert add(store, case, *(answer(number) for number in range(1_200))) == ids
    head = store.move(case, CellChange(cells=ids[:1_100], subject="k"))
    assert [(one.subject, one.cells) for one in head.subjects] == [("7", 100), ("k", 1_100)]


def test_images_are_stored_only_when_asked(store: Store) -> None:
    keeps, forgets = new_case(store, keep_images=True), new_case(store)
    data = bytes(range(256)) * 40
    (one,) = add(store, keeps, answer(1), data=data)
    (bad,) = add(store, keeps, answer(2, None), data=b"no image")
    (two,) = add(store, forgets, answer(1), data=data)
    assert store.image(keeps, one) == (answer(1).name, data)
    assert [cell.has_image for cell in store.case(keeps).cells] == [True, False]
    for case, cell in ((keeps, bad), (forgets, two)):
        with pytest.raises(NotFoundError, match="image"):
            store.image(case, cell)


def test_a_removed_cell_is_gone_with_all_about_it(store: Store) -> None:
    case = new_case(store, keep_images=True)
    one, two = add(store, case, answer(1), answer(2), data=b"x")
    store.review(case, two, Review(label="HEM"))
    store.review(case, one, Review(label="ALL"))
    store.remove(case, one)
    for what in (lambda: store.cell(case, one), lambda: store.image(case, one)):
        with pytest.raises(NotFoundError):
            what()
    assert store.undo(case).id == two
    (again,) = add(store, case, answer(1))
    assert again not in (one, two)
    assert store.cell(case, again).review is None


def test_a_deleted_case_is_gone_with_all_in_it(store: Store) -> None:
    case, other = new_case(store, keep_images=True), new_case(store, keep_images=True)
    add(store, case, answer(1), answer(2), data=b"x" * 10_000)
    (kept,) = add(store, other, answer(1), data=b"y")
    store.delete(case)
    assert [head.id for head in store.heads()] == [other]
    assert store.image(other, kept)[1] == b"y"
    with store._reading() as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("cases", "cells", "images", "reviews")
        ]
    assert counts == [1, 1, 1, 0]
    with pytest.raises(NotFoundError, match="case"):
        store.delete(case)


@pytest.mark.parametrize("odd", ["", "x", "a" * 22, "' OR 1=1; --", "a" * 21 + "\0", "\ud800" * 22])
def test_a_case_that_is_not_there(store: Store, odd: str) -> None:
    whats = [
        lambda: store.head(odd),
        lambda: store.case(odd),
        lambda: store.cell(odd, 1),
        lambda: store.image(odd, 1),
        lambda: store.change(odd, CaseChange(name="x")),
        lambda: store.accept(odd, [SHA256]),
        lambda: add(store, odd, answer(1)),
        lambda: store.move(odd, CellChange(cells=[1], subject="")),
        lambda: store.review(odd, 1, Review(label="ALL")),
        lambda: store.undo(odd),
        lambda: store.remove(odd, 1),
        lambda: store.delete(odd),
    ]
    for what in whats:
        with pytest.raises(NotFoundError):
            what()


@pytest.mark.parametrize("odd", [0, -1, 2**31, 2**63, 2**100, 12345])
def test_a_cell_that_is_not_there(store: Store, odd: int) -> None:
    case = new_case(store)
    (far,) = add(store, new_case(store, keep_images=True), answer(1), data=b"x")
    for cell in (odd, far):
        for what in (store.cell, store.image, store.remove):
            with pytest.raises(NotFoundError):
                what(case, cell)
        with pytest.raises(NotFoundError):
            store.review(case, cell, Review(label="ALL"))


def test_answers_of_another_model_are_refused(store: Store) -> None:
    case = new_case(store)
    store.accept(case, [SHA256])
    for what in (
        lambda: store.accept(case, ["cd" * 32]),
        lambda: store.add(case, [(answer(1), None)], model_sha256="cd" * 32),
    ):
        with pytest.raises(ConflictError, match=r"'tiny'.*start a new case"):
            what()
    assert store.case(case).cells == []


def test_text_that_a_database_cannot_hold_is_mended(store: Store) -> None:
    case = new_case(store, notes="a\0b")
    add(store, case, answer(1, name="x\0y", reason="\udcff"))
    cell = store.case(case).cells[0]
    assert (store.head(case).notes, cell.name, cell.reason) == ("a\ufffdb", "x\ufffdy", "\ufffd")
    store.change(case, CaseChange(name="\0"))
    store.move(case, CellChange(cells=[cell.id], subject="\0"))
    store.review(case, cell.id, Review(label="ALL", reviewer="\0", note="\0"))


def test_a_case_has_bounds(url: str) -> None:
    store = open_store(url, case_cells=3, listed_cases=2, text_length=5)
    case = new_case(store)
    add(store, case, answer(1), answer(2))
    with pytest.raises(ConflictError, match=r"\b3 .*\b2\b.*\b2\b"):
        add(store, case, answer(3), answer(4))
    assert len(store.case(case).cells) == 2
    add(store, case, answer(1), answer(3), answer(2))
    add(store, case, answer(1), answer(2), answer(3))
    newest = [new_case(store), new_case(store)]
    assert [head.id for head in store.heads()] == newest[::-1]
    for what in (
        lambda: new_case(store, notes="x" * 6),
        lambda: store.change(case, CaseChange(notes="x" * 6)),
    ):
        with pytest.raises(StoreError, match="5 characters"):
            what()
    store.close()


def test_cases_outlive_the_server(lasting_url: str) -> None:
    store = open_store(lasting_url)
    case = new_case(store, keep_images=True, name="kept")
    (one,) = add(store, case, answer(1), data=b"x")
    store.review(case, one, Review(label="HEM"))
    store.change(case, CaseChange(threshold=0.7))
    before = store.case(case)
    store.close()
    again = open_store(lasting_url, case_cells=0)
    assert again.case(case) == before
    assert again.image(case, one)[1] == b"x"
    assert again.undo(case).review is None
    assert add(again, case, answer(1)) == [one]
    again.close()


def test_the_number_of_queries_does_not_grow(store: Store) -> None:
    def queries(what: object) -> int:
        count = 0

        def heard(*_: object) -> None:
            nonlocal count
            count += 1

        engine = store._opened().reading
        event.listen(engine, "before_cursor_execute", heard)
        what()  # type: ignore[operator]
        event.remove(engine, "before_cursor_execute", heard)
        return count

    def fill(cells: range) -> str:
        case = new_case(store, keep_images=True)
        for cell in add(store, case, *map(answer, cells), data=b"x"):
            store.review(case, cell, Review(label="ALL"))
        return case

    small = fill(range(1))
    of_one = queries(store.heads), queries(lambda: store.case(small))
    large = [fill(range(6)) for _ in range(3)][-1]
    assert (queries(store.heads), queries(lambda: store.case(large))) == of_one


def test_a_store_that_is_not_open_says_so(url: str) -> None:
    from leukoscope.app.limits import Limits

    store = Store(url, Limits())
    for ask in (store.check, store.heads):
        with pytest.raises(StoreError, match="not open"):
            ask()
    store.open()
    store.check()
    store.close()
    with pytest.raises(StoreError, match="not open"):
        store.check()
    store.close()
