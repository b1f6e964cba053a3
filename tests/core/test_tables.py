"""Tables go to disk and come back: numbers as numbers, names as names, and all or nothing."""

import contextlib
import csv
import errno
import io
import json
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leukoscope.core.errors import CohortError, FileError
from leukoscope.core.tables import SUFFIXES, TableWriter, read_table, text_column, write_table

printable = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
wholes = st.integers(-(10**17), 10**17)


rows_of_tables = st.lists(
    st.tuples(printable.map("t{}".format), numbers, wholes), min_size=1, max_size=10
)
LARGE = [("t", 0.0, 2**53 + 1), ("t", 0.0, -(10**17))]


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".parquet"])
@given(rows_of_tables)
@example(LARGE)
def test_a_table_is_read_as_written(tmp_path_factory, suffix, rows):
    assert_read_as_written(tmp_path_factory.mktemp("table") / f"t{suffix}", rows)


@settings(max_examples=settings().max_examples // 5)  # each is read in a process of its own
@given(rows_of_tables)
@example(LARGE)
def test_a_parquet_table_is_read_as_written(tmp_path_factory, rows):
    assert_read_as_written(tmp_path_factory.mktemp("table") / "t.parquet", rows)


def assert_read_as_written(path, rows):
    names, values, counts = zip(*rows, strict=True)
    table = {"name": text_column(names), "value": np.array(values), "count": np.array(counts)}
    write_table(path, table)
    again = read_table(path)
    assert list(again) == list(table)
    assert again["name"].tolist() == list(names)
    assert again["value"].tolist() == list(values)
    assert again["count"].tolist() == list(counts)
    assert again["count"].dtype.kind in "if"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_unknown_numbers_and_texts(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(path, {"x": [1.5, math.nan], "s": ["a", None], "i": [3, None]})
    table = read_table(path)
    assert table["x"][0] == 1.5
    assert np.isnan(table["x"][1])
    assert table["s"].tolist() == ["a", ""]
    assert table["i"][0] == 3
    assert np.isnan(table["i"][1])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_without_rows(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(path, {"a": [], "b": []})
    assert all(len(column) == 0 for column in read_table(path).values())


def test_names_made_of_digits_stay_names(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,d\n007,1_0,1.50,7\n1,2,2,\n")
    table = read_table(path)
    assert table["a"].tolist() == ["007", "1"]
    assert table["b"].tolist() == ["1_0", "2"]
    assert table["c"].tolist() == [1.5, 2]
    asked = read_table(path, text=("c", "d"))
    assert asked["c"].tolist() == ["1.50", "2"]
    assert asked["d"].tolist() == ["7", ""]


def test_a_spreadsheet_s_mark_and_blank_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfpath,n\r\na,1\r\n\r\nb,2\r\n")
    table = read_table(path)
    assert list(table) == ["path", "n"]
    assert table["n"].tolist() == [1, 2]


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None)
@given(content=st.binary(max_size=80))
def test_whatever_the_bytes_it_is_a_table_or_one_line(tmp_path_factory, suffix, content):
    path = tmp_path_factory.mktemp("bytes") / f"t{suffix}"
    path.write_bytes(content)
    with contextlib.suppress(CohortError):
        table = read_table(path)
        assert len({len(column) for column in table.values()}) <= 1


def test_a_parquet_file_cut_anywhere_is_one_line(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, {"name": ["a", "b"], "n": [1, 2]})
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(CohortError, match="cannot be read as Parquet"):
            read_table(path)
    path.write_bytes(b"PAR1" + bytes(40) + b"\x20\0\0\0PAR1")
    with pytest.raises(CohortError, match="cannot be read as Parquet"):
        read_table(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", b"[1, 2]\n", "row 1: a line must be an object"),
        ("t.jsonl", b'{"a": 1}\nnull\n', "row 2: a line must be an object"),
        ("t.jsonl", b'{"a": 1\n', "cannot be read as a table"),
        ("t.jsonl", b'{"a": 99999999999999999999}\n', "cannot be read as a table"),
        ("t.jsonl", b"[" * 100_000, "cannot be read as a table"),
        ("t.csv", b"a\n\x81\n", "save it as CSV UTF-8"),
        ("t.csv", b"a,b\n1\n", "line 2: 1 values where the first line names 2"),
        ("t.parquet", b"PAR1....PAR1", "cannot be read as Parquet"),
        ("t.xlsx", b"x", r"a table ends in \.csv, \.jsonl, \.parquet"),
    ],
)
def test_what_is_no_table_is_said_in_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CohortError, match=message):
        read_table(path)


def test_a_file_that_is_not_there(tmp_path):
    for name in ("t.csv", "t.parquet"):
        with pytest.raises(CohortError, match=r"(?i)no such file"):
            read_table(tmp_path / name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_error_while_writing_leaves_the_old_table(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(path, {"a": [1]})
    with pytest.raises(RuntimeError), TableWriter(path, ["a"]) as writer:  # noqa: PT012
        writer.write({"a": 2})
        raise RuntimeError
    assert read_table(path)["a"].tolist() == [1]
    assert list(tmp_path.iterdir()) == [path]


def test_rows_on_standard_output(capsys):
    with TableWriter("-", ["a", "b"]) as writer:
        writer.write({"a": "x,y", "b": np.float32(0.5)})
        writer.write({"a": None, "b": math.nan})
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [["a", "b"], ["x,y", "0.5"], ["", ""]]


def test_unknown_is_null_in_json(tmp_path):
    write_table(tmp_path / "t.jsonl", {"a": [math.nan, math.inf, 1.0]})
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert lines == [{"a": None}, {"a": None}, {"a": 1.0}]


def test_a_format_is_asked_for_before_work_begins(tmp_path):
    with pytest.raises(CohortError, match="choose a name that ends in"):
        TableWriter(tmp_path / "t.xlsx", ["a"])


def test_a_table_whose_file_cannot_be_opened_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise OSError(errno.EMFILE, "Too many open files", str(self))

    path = tmp_path / "t.csv"
    monkeypatch.setattr(type(tmp_path), "open", refuse)
    with pytest.raises(FileError) as caught, TableWriter(path, ["path"]):
        pass
    assert str(caught.value).startswith(f"{path}: ")
    assert ".part" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
