"""Options that are printed can be typed: a shell and the parser give the value back."""

import shlex

import pytest

from leukoscope.core.shell_words import pair_option, split_pairs


@pytest.mark.parametrize(
    "value", ["patient", "patient no", "a, b", "x=y", "$HOME", "it's", "10%", "Zähler", 'say "a"']
)
def test_a_printed_option_is_read_back(value):
    option, text = shlex.split(pair_option("--columns", "subject", value))
    assert option == "--columns"
    assert split_pairs(text) == [("subject", value)]


def test_blanks_are_quoted_as_every_shell_reads_it():
    assert pair_option("--columns", "a", "b c") == '--columns a="b c"'


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=b,c=d", [("a", "b"), ("c", "d")]),
        (' a = b , c="d, e"', [("a", "b"), ("c", "d, e")]),
        ("a", [("a", "")]),
        ("", [("", "")]),
        ('a="b', [("a", '"b')]),
    ],
)
def test_pairs_are_split_at_commas_outside_quotes(text, pairs):
    assert split_pairs(text) == pairs
