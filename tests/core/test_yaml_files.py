"""YAML of a user: plain values, or one line that names the file."""

from pathlib import Path

import pytest

from leukoscope.core.errors import LeukoscopeError, RecipeError
from leukoscope.core.yaml_files import read_yaml


def test_plain_values(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("a: [1, 0.5, x]\n", encoding="utf-8")
    assert read_yaml(path, "own.yaml") == {"a": [1, 0.5, "x"]}


@pytest.mark.parametrize(
    "content",
    [
        b"a: [1",
        b"\xff\xfe\x00",
        b"!!python/object/apply:os.getcwd []",
        b"- " * 3000,
        b"a: 1\nb: {c: 1, c: 2}\n",
        None,
    ],
    ids=["open", "no text", "an object", "too deep", "a key twice", "missing"],
)
def test_one_line_names_what_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"^mine: cannot be read as YAML \(.+\)\.$") as raised:
        read_yaml(path, "mine", RecipeError)
    assert "\n" not in str(raised.value)
    with pytest.raises(LeukoscopeError):
        read_yaml(path, "mine")
