"""Copies of one image under several names are one cell in the answer for their subject."""

from pathlib import Path

import pytest
from PIL import Image

import leukoscope as ls
from leukoscope.core.tables import read_table
from leukoscope.inference.subject.copies import counted_once
from leukoscope.inference.subject.rows import context_column
from leukoscope.inference.summary import summarize
from tests.inference.subject.test_answer import MODEL
from tests.inference.subject.test_rows import ROWS


def pixels(number: int) -> str:
    return f"{number:064x}"[::-1]


NAMED = [{**row, "pixels": pixels(n)} for n, row in enumerate(ROWS)]


def test_only_the_first_image_of_a_subject_counts_and_unknown_ones_always() -> None:
    subjects = ["1", "1", "2", "1", "1", "2"]
    names = [pixels(1), pixels(1), pixels(1), "", "", pixels(2)]
    assert counted_once(subjects, names).tolist() == [True, False, True, True, True, True]


def test_copies_change_no_answer_and_are_counted() -> None:
    once, twice = summarize(NAMED, MODEL), summarize([*NAMED, *NAMED[:4], NAMED[6]], MODEL)
    assert (once.copies, twice.copies) == (0, 4)  # the last one was not usable
    first, again = (found.subjects[0].answer for found in (once, twice))
    assert first is not None
    assert again is not None
    assert (again.cells, again.copies) == (first.cells, 4)
    assert again.probability == first.probability
    assert again.blasts == first.blasts
    assert "4 copies are left out" in again.text()
    assert twice.subjects[0].cells == once.subjects[0].cells + 5  # the rows stay


def test_copies_do_not_make_enough_cells() -> None:
    answer = summarize([NAMED[0]] * 6, MODEL).subjects[0].answer
    assert answer is not None
    assert (answer.cells, answer.copies, str(answer.verdict)) == (1, 5, "uncertain")


def test_a_copy_has_the_context_of_its_image() -> None:
    once = context_column(NAMED, MODEL)
    assert context_column([*NAMED, *NAMED[:4]], MODEL) == [*once, *once[:4]]


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six cells of one subject; the first again under two names, as a file and re-encoded."""
    folder = tmp_path_factory.mktemp("repeated")
    drawn = ls.make_synthetic(folder / "drawn", persons=2, cells=6)
    own = drawn.paths[:6]
    first = own[0]
    copies = [folder / "again.bmp", folder / "again.png"]
    copies[0].write_bytes(first.read_bytes())
    with Image.open(first) as image:
        image.save(copies[1])
    table = folder / "cells.csv"
    lines = [f"{path},S1" for path in (*own, *copies)]
    table.write_text("\n".join(["path,subject", *lines]) + "\n")
    return table


def test_predict_counts_each_image_once(repeated: Path, tmp_path: Path) -> None:
    from leukoscope.api.predict import predict_to_table

    found = ls.predict(repeated)
    rows = tmp_path / "rows.csv"
    outcome = predict_to_table(repeated, out=rows, subjects_out=tmp_path / "subjects.csv")
    assert len(found) == outcome.rows == 8
    assert found.outcome.copies == outcome.copies
    (subject,) = outcome.subjects
    assert subject.answer is not None
    assert subject.answer == found.subjects[0].answer
    assert subject.answer.cells + subject.answer.copies == 8 - subject.not_cells
    assert subject.answer.copies == outcome.copies
    assert "pixels" not in read_table(rows)
    assert read_table(tmp_path / "subjects.csv")["copies"].tolist() == [outcome.copies]
    if outcome.copies:
        assert "COPIES" in repr(found)
