"""Lists of drawn pictures: merged, any file name, hostile content."""

import pytest

from leukoscope.core.drawn import LISTED_IN, drawn_in, mark_drawn


def test_names_are_added_folder_by_folder(tmp_path):
    (tmp_path / "b").mkdir()
    mark_drawn([tmp_path / "a.png", tmp_path / "b" / "c\nd.png"])
    mark_drawn([tmp_path / "e.png"])
    assert drawn_in(tmp_path) == {"a.png", "e.png"}
    assert drawn_in(tmp_path / "b") == {"c\nd.png"}


@pytest.mark.parametrize("content", [b"", b"{", b"7", b"\xff", b"[" * 100_000, b'{"a": 1}'])
def test_a_list_that_is_none_leaves_nothing_out(tmp_path, content):
    (tmp_path / LISTED_IN).write_bytes(content)
    assert drawn_in(tmp_path) == frozenset()
    assert drawn_in(tmp_path / "absent") == frozenset()
