"""Files, folders and patterns become one ordered list, each image once."""

import os
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.image import decode
from leukoscope.inference.sources import Source, expand, list_images
from leukoscope.inference.zip_images import read_member


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


JPEG = b"\xff\xd8\xff\xe0" + bytes(200)


@pytest.mark.parametrize(
    "name",
    [
        *("a.jfif", "a.jpe", "a.bmp ", "a.gif", "a.dcm", "a.heic"),
        *("without suffix", "scan.001", "UID_1.2.3_all", "cell.bmp.part", "a.txt"),
    ],
)
def test_no_image_of_a_folder_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(JPEG)
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "README").write_text("words")
    assert [source.path.name for source in expand([tmp_path])] == [name]
    assert [source.path.name for source in expand([tmp_path / "*"])] == [name]


def test_files_that_are_no_images_are_counted(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tree / "labels.csv").touch()
    (tree / "README").touch()
    expand(tree)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    counts = "1 without suffix, 1 .csv, 1 .txt"
    assert record.getMessage() == f"{tree}: left out, not images: {counts}"
    (nothing,) = expand(tree / "a" / "*.txt")
    assert nothing.problem.endswith("1 .txt")
    assert names(expand(tree / "*.csv"), tree) == ["labels.csv"]  # named as a table


def test_bad_files_of_a_zip_are_listed_with_their_problem(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("../1.bmp", "inner.zip", "2.bmp"):
            archive.writestr(name, b"PK\x03\x04" if name == "inner.zip" else b"BM")
    found = list_images(tmp_path / "z.zip")
    assert [(source.member, bool(source.problem)) for source in found] == [
        ("1.bmp", True),
        ("2.bmp", False),
        ("inner.zip", True),
    ]


def test_one_string_or_path_is_one_source(tree: Path) -> None:
    assert names(expand(str(tree)), tree) == names(expand(tree), tree) == ALL
    assert len(list_images(str(tree))) == len(list_images(tree)) == len(ALL)


def test_a_table_stands_for_its_images(tree: Path) -> None:
    (tree / "cells.csv").write_text("File;Label\nimg2.bmp;ALL\na\\UID_1_2_3_all.BMP;\n")
    listed = list_images(tree / "cells.csv")
    assert [source.path for source in listed] == [tree / "img2.bmp", tree / "a/UID_1_2_3_all.BMP"]
    (tree / "bad.csv").write_text("a,b\n1,2\n")
    assert "path" in list_images(tree / "bad.csv")[0].problem


def test_an_image_of_two_subjects_is_listed_once_for_each(tree: Path, caplog) -> None:
    table = tree / "cells.csv"
    table.write_text("path,subject\nimg2.bmp,A\nimg10.bmp,A\nimg2.bmp,B\nimg2.bmp,A\nimg2.bmp,\n")
    listed = list_images(table)
    assert [(one.path.name, one.subject) for one in listed] == [
        ("img2.bmp", "A"),
        ("img10.bmp", "A"),
        ("img2.bmp", "B"),
    ]
    assert "'A' and 'B'" in caplog.text
    assert list_images(listed + listed) == listed + listed  # sources that are given are rows


def test_a_table_gives_subject_and_scale_before_and_after_a_folder(tree: Path) -> None:
    table = tree / "b" / "cells.csv"
    table.write_text("path,subject,um_per_px\n../img10.bmp,A,0.1\n../img2.bmp,,0.2\n")
    for order in ([tree, table], [table, tree], [tree / "img2.bmp", table, tree]):
        listed = {one.path.name: one for one in list_images(order) if not one.problem}
        assert len(listed) == len(ALL)
        assert (listed["img10.bmp"].subject, listed["img10.bmp"].um_per_px) == ("A", 0.1)
        assert (listed["img2.bmp"].subject, listed["img2.bmp"].um_per_px) == ("", 0.2)
    in_order = [one.path.name for one in list_images([tree, table])]
    assert in_order == [Path(name).name for name in ALL]


def test_notes_on_a_table_are_printed(tree: Path, caplog) -> None:
    (tree / "cells.csv").write_text("filename,subject\nimg2.bmp,H10\nimg10.bmp,h 10\n")
    list_images(tree / "cells.csv")
    assert [record.levelname for record in caplog.records] == ["WARNING"] * len(caplog.records)
    assert "'filename'" in caplog.text
    assert "'H10' and 'h 10'" in caplog.text


def test_a_zip_stands_for_its_images(tmp_path: Path) -> None:
    path = tmp_path / "cells.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("./x/2.bmp", "10.bmp", "__MACOSX/._2.bmp", "notes.txt", "x/"):
            archive.writestr(name, b"" if name == "x/" else name)
    listed = list_images(path)
    assert [source.member for source in listed] == ["10.bmp", "x/2.bmp"]
    assert [read_member(path, source.number) for source in listed] == [b"10.bmp", b"./x/2.bmp"]
    (tmp_path / "cut.zip").write_bytes(path.read_bytes()[:60])
    assert "ZIP" in list_images(tmp_path / "cut.zip")[0].problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
        (b"\n<!DOCTYPE html>\n<html><body>404</body></html>", "HTML page"),
    ],
)
def test_files_that_stand_in_for_an_image_are_named(content: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        decode(content)
