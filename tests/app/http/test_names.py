"""Names as clients send them, made harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.app.http.names import clean_name, disposition


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("UID_57_1_1_all.bmp", "UID_57_1_1_all.bmp"),
        ("folder/sub/1.bmp", "folder/sub/1.bmp"),
        ("C:\\Users\\me\\cells\\1.bmp", "Users/me/cells/1.bmp"),
        ("\\\\server\\share\\1.bmp", "server/share/1.bmp"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("a/./b//c/../d.bmp", "a/b/c/d.bmp"),
        ("клетка 细胞 ü.bmp", "клетка 细胞 ü.bmp"),
        ("a\r\nSet-Cookie: x.bmp", "a\ufffd\ufffdSet-Cookie: x.bmp"),
        ("a\x00b.bmp", "a\ufffdb.bmp"),
        ("gpj\u202e.bmp", "gpj\ufffd.bmp"),
        ("می\u200cخواهم.bmp", "می\u200cخواهم.bmp"),  # a joiner that Persian needs
        ("", ""),
        ("..", ""),
    ],
)
def test_names_become_relative_and_printable(raw, clean):
    assert clean_name(raw, 200) == clean


def test_a_long_name_keeps_its_ends():
    name = clean_name("begin" + "x" * 5_000 + "UID_57_1_1_all.bmp", 200)
    assert len(name) == 200
    assert name.startswith("begin")
    assert name.endswith("UID_57_1_1_all.bmp")
    assert "…" in name


@given(st.text(max_size=400), st.integers(20, 200))
def test_no_name_is_dangerous(raw, limit):
    name = clean_name(raw, limit)
    assert len(name) <= limit
    assert not name.startswith("/")
    assert "\\" not in name
    assert not {"..", "."} & set(name.split("/"))
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
    assert clean_name(name, limit) == name


@given(st.text(max_size=300))
def test_a_saved_file_has_one_plain_name(filename):
    header = disposition(filename)
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    assert header.count('"') == 2
    assert "/" not in header.split('"')[1]


def test_a_saved_file_keeps_its_letters():
    assert disposition("Fall Müller.csv") == (
        "attachment; filename=\"Fall Muller.csv\"; filename*=UTF-8''Fall%20M%C3%BCller.csv"
    )
