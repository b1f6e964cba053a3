"""The file that the challenge took."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from leukoscope.core.errors import CohortError
from leukoscope.evaluation.submission import MEMBER, read_submission, write_submission


def test_the_answers_are_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    write_submission(path, [1, 0, 1])
    with ZipFile(path) as archive:
        assert archive.namelist() == [MEMBER]
        assert archive.read(MEMBER) == b"1\n0\n1\n"
    assert read_submission(path, 3) == [1, 0, 1]
    before = path.read_bytes()
    write_submission(path, [1, 0, 1])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "text", "count", "message"),
    [
        (MEMBER, "1\n0\n", 3, "2 answers; the set has 3"),
        (MEMBER, "1\n2\n", 2, "line 2: '2' is neither"),
        (MEMBER, "1\n\n0\n", 3, "line 2"),
        (MEMBER, "1\n" * 1000, 3, "too long"),
        ("x/" + MEMBER, "1\n0\n", 2, "alone"),
        ("predict.csv", "1\n0\n", 2, "alone"),
    ],
)
def test_what_a_scorer_refuses(
    tmp_path: Path, name: str, text: str, count: int, message: str
) -> None:
    path = tmp_path / "s.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr(name, text)
    with pytest.raises(CohortError, match=message):
        read_submission(path, count)


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, "1 \r\n0 \r\n")
    assert read_submission(path, 2) == [1, 0]


def test_a_file_that_is_no_zip(tmp_path: Path) -> None:
    (tmp_path / "s.zip").write_text("1\n")
    with pytest.raises(CohortError, match="cannot be read as a ZIP"):
        read_submission(tmp_path / "s.zip", 1)
    with pytest.raises(CohortError, match=r"ends in \.zip"):
        write_submission(tmp_path / "s.txt", [1])
    with pytest.raises(CohortError, match="neither"):
        write_submission(tmp_path / "t.zip", [2])
    assert not (tmp_path / "t.zip").exists()
