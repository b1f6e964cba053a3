"""Reading of JSON and YAML into dataclasses: what is declared is accepted, and nothing else."""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.dataclass_reader import (
    HANDWRITTEN,
    RECORD,
    MalformedError,
    Options,
    build,
    parse_object,
    plain,
)


@dataclass(frozen=True)
class Inner:
    low: float
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low must not be above high")


@dataclass(frozen=True)
class Outer:
    name: str
    count: int = 0
    flag: bool = False
    kind: Literal["a", "b"] | dict[str, float] = "a"
    values: tuple[float, ...] = ()
    inner: Inner | None = None
    rows: tuple[Inner, ...] = ()
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    free: Any = None


WHOLE = {
    "name": "x",
    "count": 3,
    "flag": True,
    "kind": {"one": 1.0},
    "values": [1.0, 2.5],
    "inner": {"low": 0.0, "high": 1.0},
    "rows": [{"low": 0.0, "high": 2.0}],
    "by_name": {"y": {"low": 0.0, "high": 1.0}},
    "free": [{"any": None}],
}


def test_what_is_built_is_written_the_same() -> None:
    assert plain(build(Outer, WHOLE)) == WHOLE
    assert build(Outer, {"name": "x"}) == Outer("x")
    inner = Inner(0.0)
    assert build(Outer, {"name": "x", "inner": inner}).inner is inner


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": None}, "name"),
        ({"name": 3}, "name"),
        ({"count": 1.0}, "count"),
        ({"count": True}, "count"),
        ({"count": "1"}, "count"),
        ({"flag": 1}, "flag"),
        ({"kind": "c"}, "kind"),
        ({"kind": True}, "kind"),
        ({"kind": {"one": "x"}}, "kind.one"),
        ({"values": 1.0}, "values"),
        ({"values": [1, "2"]}, "values[1]"),
        ({"values": [math.inf]}, "values[0]"),
        ({"values": [10**400]}, "values[0]"),
        ({"values": {"0": 1.0}}, "values"),
        ({"inner": []}, "inner"),
        ({"inner": {}}, "inner.low"),
        ({"inner": {"low": 2}}, "inner"),
        ({"inner": {"low": 0, "middle": 1}}, "inner.middle"),
        ({"rows": [{"low": 0}, {"low": None}]}, "rows[1].low"),
        ({"by_name": {"y": {"low": False}}}, "by_name.y.low"),
        ({"surprise": 1}, "surprise"),
        ({"two\nlines": 1}, r"'two\nlines'"),
    ],
)
def test_the_first_error_is_named_by_its_path_on_one_line(change: Any, path: str) -> None:
    with pytest.raises(MalformedError) as raised:
        build(Outer, WHOLE | change)
    assert path in re.split(r"[ :;]", str(raised.value))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_options_accept_what_yaml_and_records_hold() -> None:
    tree = {"name": "x", "values": "1e-3"}
    with pytest.raises(MalformedError, match="values"):
        build(Outer, tree)
    assert build(Outer, tree, options=HANDWRITTEN).values == (0.001,)
    with pytest.raises(MalformedError, match="values"):
        build(Outer, tree | {"values": "nan"}, options=HANDWRITTEN)
    assert math.isnan(build(Inner, {"low": None}, options=RECORD).low)
    with pytest.raises(MalformedError, match="low"):
        build(Inner, {"low": None})
    with pytest.raises(MalformedError, match="count"):
        build(Outer, {"name": "x", "count": "3"}, options=Options(True, True, True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 1}}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": "\\ud800"}',
        '{"a": ' + "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
    ],
)
def test_text_that_is_not_one_json_object_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="the file") as raised:
        parse_object(text, "the file")
    assert "\n" not in str(raised.value)


def test_reading_stops_at_the_first_of_a_million_errors() -> None:
    started = time.perf_counter()
    with pytest.raises(MalformedError, match=r"values\[0\]"):
        build(Outer, {"name": "x", "values": ["x"] * 1_000_000})
    assert time.perf_counter() - started < 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
options = st.builds(Options, st.booleans(), st.booleans(), st.booleans())


@given(st.dictionaries(st.sampled_from([*WHOLE, "low", "other"]), anything), options)
def test_any_tree_is_built_or_malformed(tree: dict[str, Any], options: Options) -> None:
    try:
        built = build(Outer, tree, options=options)
    except MalformedError as error:
        message, built = str(error), None
    else:
        message = ""
    assert "\n" not in message
    assert bool(message) == (built is None)
