"""Singular and plural of nouns and their verbs."""

import pytest

from leukoscope.core.wording import count


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
