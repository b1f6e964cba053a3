"""Singular and plural of nouns and their verbs."""

import pytest

from leukoscope.core.wording import count, joined


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("cell",), "0 cells"),
        (1, ("person", "is"), "1 person is"),
        (2, ("person", "is"), "2 persons are"),
        (2989, ("single red cell", "has"), "2,989 single red cells have"),
        (1, ("file name", "occurs"), "1 file name occurs"),
        (3, ("file name", "occurs"), "3 file names occur"),
        (2, ("entry", "reaches"), "2 entries reach"),
        (2, ("class", "lies"), "2 classes lie"),
        (2, ("day", "uses"), "2 days use"),
        (2, ("epoch",), "2 epochs"),
        (2, ("batch",), "2 batches"),
    ],
)
def test_nouns_and_verbs_agree_with_the_number(number, words, text):
    assert count(number, *words) == text


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (("Damaged; copy it again.", "", "seen"), "Damaged; copy it again; seen"),
        (("no black border", "A note."), "no black border; A note."),
        (("one..", "two;", "three"), "one; two; three"),
        (("cut off...", "more"), "cut off...; more"),
        (("alone.",), "alone."),
        ((), ""),
    ],
)
def test_sentences_in_a_list_have_one_full_stop(texts, text):
    assert joined(*texts) == text
