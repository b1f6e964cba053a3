"""Whole files or none, and names in the order a person would put them."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.files import atomic_path, natural_key, sha256_file, write_text


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "x.txt"
    with atomic_path(path) as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_text("all")
        assert not path.exists()
    assert path.read_text() == "all"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "x.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("x" * 250 + ".txt")
    write_text(path, "x")
    assert path.read_text() == "x"


@settings(deadline=None)
@given(st.binary(max_size=300_000))
def test_sha256_of_a_file(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("hash") / "x"
    path.write_bytes(content)
    assert sha256_file(path) == hashlib.sha256(content).hexdigest()


def test_natural_order():
    names = ["H10", "10", "H2", "h3", "2", "fold_10", "fold_9", "1", ""]
    expected = ["", "1", "2", "10", "H2", "H10", "fold_9", "fold_10", "h3"]
    assert sorted(names, key=natural_key) == expected


@settings(deadline=None)
@given(st.lists(st.text(max_size=6) | st.sampled_from(["1", "01", "a1", "a01", "٣"])))
def test_natural_order_is_an_order_of_any_text(names):
    ordered = sorted(names, key=natural_key)
    backwards = names[::-1]
    assert sorted(backwards, key=natural_key) == ordered
    assert len({natural_key(name) for name in names}) == len(set(names))


@settings(deadline=None)
@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_are_in_the_order_of_numbers(one, other):
    assert (natural_key(f"H{one}") < natural_key(f"H{other}")) == (one < other)
