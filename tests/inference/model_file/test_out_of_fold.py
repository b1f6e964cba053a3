"""Results by person as text: nobody has to search for the worst."""

from dataclasses import replace

from leukoscope.inference.model_file.card_text import card_text
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult, persons_text, worst_person
from tests.inference.tiny_model import tiny_card

ROW = OutOfFoldResult("1", "ALL", 10, 30_000, 9, 7, 1, 1, 10, 0.8)
ROWS = (ROW, replace(ROW, person="H2", label="HEM", right=2, answered=4, wrong=3), ROW)


def test_the_worst_is_named_by_share_and_not_by_count() -> None:
    few = replace(ROW, person="H3", cells=2, right=0, answered=1, wrong=1, not_cells=0, covered=0)
    assert worst_person((*ROWS, few)).person == "H3"
    assert worst_person(ROWS).person == "H2"


def test_the_text_has_the_spread_and_the_worst() -> None:
    text = persons_text(ROWS)
    for number in ("90.0%", "3 persons", "H2 (HEM)", "2 of 10 cells", "4 answered", "3 of these"):
        assert number in text


def test_the_card_has_it_if_known() -> None:
    assert card_text(tiny_card()).out_of_fold == ""
    assert card_text(tiny_card(left_out=ROWS)).out_of_fold == persons_text(ROWS)
