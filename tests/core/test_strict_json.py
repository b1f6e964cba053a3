import pytest

from leukoscope.core.dataclass_reader import MalformedError, parse_object
from leukoscope.core.strict_json import parse_json

BAD = [
    '{"a": 1, "a": 1}',
    '{"a": {"b": 1, "b": 2}}',
    '[{"b": 1, "c": 2, "b": 3}]',
    '{"a": NaN}',
    "-Infinity",
    "[" * 100_000,
    "",
    b"\xff",
    '{"a": 1}'.encode("utf-16"),
    "\ufeff\ufeff1",
    "1" * 5_000,
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_not_json_or_ambiguous_is_refused(text):
    with pytest.raises(ValueError, match=r".") as raised:
        parse_json(text)
    assert len(str(raised.value)) < 300


def test_a_repeated_key_is_named_and_cut():
    key = "\x1b[2J" + "k" * 5_000
    text = f'{{"a": 1, "\\u001b[2J{key[4:]}": 1, "\\u001b[2J{key[4:]}": 2}}'
    with pytest.raises(ValueError, match="given twice") as raised:
        parse_json(text)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("text", ['\ufeff{"ü": 1}', '\ufeff{"ü": 1}'.encode(), '{"ü": 1}'.encode()])
def test_a_byte_order_mark_is_ignored(text):
    assert parse_json(text) == {"ü": 1}


def test_records_are_read_by_the_same_rules():
    assert parse_object('\ufeff{"a": 1}', "it") == {"a": 1}
    with pytest.raises(MalformedError, match="twice"):
        parse_object('{"a": 1, "a": 2}', "it")
