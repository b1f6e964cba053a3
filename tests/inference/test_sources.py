"""Files, folders and patterns become one ordered list, each image once."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.inference.sources import Source, expand


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "img10.bmp",
        "img2.bmp",
        "a/UID_1_2_3_all.BMP",
        "a/notes.txt",
        "a/.hidden.png",
        "b/x.jpeg",
        "b/c/ünïcödé 細胞.tif",
        "folder.bmp/inner.webp",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(sources: list[Source], root: Path) -> list[str]:
    return [source.path.relative_to(root).as_posix() for source in sources if not source.problem]


ALL = [
    "a/UID_1_2_3_all.BMP",
    "b/c/ünïcödé 細胞.tif",
    "b/x.jpeg",
    "folder.bmp/inner.webp",
    "img2.bmp",
    "img10.bmp",
]


def test_a_folder_is_walked_in_natural_order(tree: Path) -> None:
    assert names(expand([tree]), tree) == ALL


def test_a_folder_named_like_an_image_is_a_folder(tree: Path) -> None:
    assert names(expand([tree / "folder.bmp"]), tree) == ["folder.bmp/inner.webp"]


def test_patterns(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(expand([tree / "*.bmp"]), tree) == ["folder.bmp/inner.webp", *ALL[-2:]]
    assert names(expand([tree / "img?.bmp"]), tree) == ["img2.bmp"]
    assert names(expand([tree / "**" / "*.tif"]), tree) == ["b/c/ünïcödé 細胞.tif"]
    assert names(expand([tree / "[ab]"]), tree) == ALL[:3]
    monkeypatch.chdir(tree / "a")
    assert [str(source.path) for source in expand(["../img*.bmp"])] == [
        "../img2.bmp",
        "../img10.bmp",
    ]


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tree: Path) -> None:
    odd = tree / "cell[1].bmp"
    odd.touch()
    (tree / "cell1.bmp").touch()
    assert expand([odd]) == [Source(odd)]


def test_order_of_arguments_and_each_image_once(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    found = expand(["img10.bmp", tree / "img10.bmp", "./a/../img10.bmp", ".", tree / "a"])
    assert [source.path.name for source in found] == ["img10.bmp"] + [
        Path(name).name for name in ALL[:-1]
    ]


def test_a_named_file_is_taken_whatever_its_name(tree: Path) -> None:
    assert names(expand([tree / "a/notes.txt"]), tree) == ["a/notes.txt"]


def test_what_holds_no_image_is_listed_with_its_problem(tree: Path) -> None:
    found = expand([tree / "empty", tree / "none*.bmp", tree / "missing.bmp", "nul\0l", "x" * 5000])
    assert len(found) == 5
    assert "without images" in found[0].problem
    assert "no image matches" in found[1].problem
    assert found[2] == Source(tree / "missing.bmp")  # for the decoder to say


def test_links_in_a_loop_end(tree: Path) -> None:
    (tree / "a" / "up").symlink_to(tree)
    (tree / "self.bmp").symlink_to(tree / "self.bmp")
    (tree / "other").symlink_to(tree / "b")
    found = names(expand([tree]), tree)
    assert sorted(set(found)) == sorted(found)
    assert len([name for name in found if "img2.bmp" in name]) == 1
    expand([tree / "**" / "*.bmp"])


def test_folders_deeper_than_python_recurses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = sys.getrecursionlimit() + 100
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    Path("x.bmp").touch()
    assert [source.path.name for source in expand([tmp_path])] == ["x.bmp"]
    Path("x.bmp").unlink()
    for _ in range(depth):  # pytest's own clean-up recurses
        os.chdir("..")
        Path("d").rmdir()


def test_a_folder_out_of_reach_is_listed(tree: Path) -> None:
    (tree / "b").chmod(0)
    if os.access(tree / "b", os.R_OK):
        pytest.skip("this user may read everything")
    try:
        found = expand([tree])
    finally:
        (tree / "b").chmod(0o700)
    assert [s.problem for s in found if s.problem] == [
        "a folder that can't be read: Permission denied"
    ]
    assert len(found) == 5


@given(st.text(max_size=30))
def test_any_text_gives_a_list(text: str) -> None:
    # A lone / or ** would walk the machine.
    if not set(text) & set("*/~.") and text:
        assert len(expand([text])) >= 1
