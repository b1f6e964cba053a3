from pathlib import Path

import pytest

from leukoscope.data.missing import why_not_found


def test_a_missing_folder_is_named_from_the_top(tmp_path: Path) -> None:
    path = tmp_path / "share" / "cells" / "a.bmp"
    assert f"no folder {tmp_path / 'share'}:" in why_not_found(path, tmp_path / "table.csv")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert f"no file {tmp_path / 'a.bmp'}:" in why_not_found(tmp_path / "a.bmp")


def test_a_name_without_its_suffix_is_recognized(tmp_path: Path) -> None:
    (tmp_path / "a.bmp").touch()
    assert "a.bmp is there" in why_not_found(tmp_path / "a", tmp_path / "table.csv")


def test_a_path_of_windows_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / r"C:\\Users\\lab\\a.bmp"
    assert "Windows" in why_not_found(path, tmp_path / "table.csv")


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_names_that_no_system_accepts_are_answered(name: str, tmp_path: Path) -> None:
    assert why_not_found(tmp_path / name)
