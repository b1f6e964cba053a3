"""Figures by person, in words: nobody has to search for the worst."""

from dataclasses import replace

from leukoscope.inference.model_file.card_text import describe
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult, persons_text, worst_person
from tests.inference.tiny_model import tiny_card

ROW = OutOfFoldResult("1", "ALL", 10, 30_000, 9, 7, 1, 1, 10, 0.8)
ROWS = (ROW, replace(ROW, person="H2", label="HEM", right=2, answered=4, wrong=3), ROW)


def test_the_worst_is_named_by_share_and_not_by_count() -> None:
    few = replace(ROW, person="H3", cells=2, right=0, answered=1, wrong=1, not_cells=0, covered=0)
    assert worst_person((*ROWS, few)).person == "H3"
    assert worst_person(ROWS).person == "H2"


def test_words() -> None:
    assert persons_text(ROWS) == (
        "of the cells of a person left out 90.0% called rightly in the median of 3, below half of "
        "1 of them; worst is person H2 (HEM): 2 of 10 cells called rightly; 4 answered, 3 of these "
        "wrongly"
    )


def test_the_card_in_words_has_them_where_they_are_known() -> None:
    assert "By person" not in dict(describe(tiny_card()))
    assert dict(describe(tiny_card(left_out=ROWS)))["By person"] == persons_text(ROWS)
