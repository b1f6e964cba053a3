"""Reviewed cells as a cohort: what `data info`, `train` and `evaluate` read."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

import leukoscope as ls
from leukoscope.app.export.cohort_export import NAME_BYTES, safe_names, write_cohort_zip
from leukoscope.app.store import ConflictError
from leukoscope.cli.main import app
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.data.cohort import ALL, HEM
from tests.app.made_case import Made, made_case

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def unpacked(made: Made, folder: Path) -> list[str]:
    """The archive, tested and unpacked; the names in it."""
    stream = io.BytesIO()
    write_cohort_zip(made.case, NOW, made.load, stream)
    with zipfile.ZipFile(stream) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
        return archive.namelist()


def mixed(*, keep_images: bool = True) -> Made:
    """Duplicate, path-like, foreign and hostile names."""
    names = [
        "zip/UID_7_1_1_all.bmp",
        "other/uid_7_1_1_ALL.bmp",
        "../../etc/passwd",
        "C:\\cells\\ünï 細胞.png",
        "",
        "=cmd.bmp",
    ]
    cells = [
        ({"name": name, "subject": "=7"}, "ALL" if row % 2 else "HEM")
        for row, name in enumerate(names)
    ]
    return made_case(
        [
            *cells,
            ({"name": "no cell.bmp"}, "not a cell"),
            ({"name": "unseen.bmp"}, None),
        ],
        keep_images=keep_images,
        name="Fäll",
    )


def test_a_cohort_is_read_with_its_labels_images_and_hashes(tmp_path: Path) -> None:
    made = mixed()
    names = unpacked(made, tmp_path)
    assert names[:2] == ["README.txt", "cohort.csv"]
    cohort = ls.read_cohort(tmp_path / "cohort.csv")
    reviewed = made.case.cells[:6]
    assert [int(label) for label in cohort["label"]] == [HEM, ALL] * 3
    assert list(cohort["sha256"]) == [cell.sha256 for cell in reviewed]
    assert list(cohort["subject"]) == ["=7"] * 6
    assert list(cohort["reviewer"]) == ["Ada"] * 6
    assert [Path(path).read_bytes() for path in cohort["path"]] == [
        made.images[cell.id] for cell in reviewed
    ]
    assert len(names) == 8
    told = CliRunner().invoke(app, ["data", "info", str(tmp_path / "cohort.csv")])
    assert told.exit_code == 0
    assert "64x64  6" in told.output


def test_without_images_the_table_says_where_they_belong(tmp_path: Path) -> None:
    names = unpacked(mixed(keep_images=False), tmp_path)
    assert names == ["README.txt", "cohort.csv"]
    readme = (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert RESEARCH_USE in readme
    assert "'Fäll'" in readme
    assert "6 cells, 0 " in readme
    assert "images/" in readme
    cohort = ls.read_cohort(tmp_path / "cohort.csv")
    assert {Path(path).parent for path in cohort["path"]} == {tmp_path / "images"}
    told = CliRunner().invoke(app, ["data", "info", str(tmp_path / "cohort.csv")])
    assert told.exit_code == 0


def test_the_latest_review_counts(tmp_path: Path) -> None:
    from leukoscope.app.schemas import Review
    from tests.app.store.made import add, answer, new_case, open_store

    store = open_store("sqlite://")
    case = new_case(store)
    one, two = add(store, case, answer(1), answer(2))
    for cell, label in ((one, "ALL"), (two, "ALL"), (one, "HEM"), (two, "not a cell")):
        store.review(case, cell, Review(label=label))
    unpacked(Made(store.case(case)), tmp_path)
    cohort = ls.read_cohort(tmp_path / "cohort.csv")
    assert [int(label) for label in cohort["label"]] == [HEM]
    store.close()


def test_a_cohort_of_nothing_is_refused() -> None:
    made = made_case([({}, "not a cell"), ({}, None)])
    with pytest.raises(ConflictError, match="reviewed as ALL or HEM"):
        write_cohort_zip(made.case, NOW, made.load, io.BytesIO())


@given(st.lists(st.text(max_size=300)))
@example(["con", "CON.bmp", "nul.tar.gz", ".", "..", "a/..", "x" * 400 + ".bmp", "ﬁ.bmp", "FI.bmp"])
@example(["a.bmp", "A.BMP", "a-2.bmp", "é.bmp", "e\u0301.bmp"])
@example(["細" * 200 + ".bmp", "細" * 200 + ".bmp"])
def test_names_are_safe_and_each_its_own(names: list[str]) -> None:
    safe = safe_names(names)
    assert len(safe) == len(names)
    assert len({name.casefold() for name in safe}) == len(names)
    for name in safe:
        assert name == Path(name).name
        assert name not in ("", ".", "..")
        assert not set(name) & set('<>:"/\\|?*\0\n')
        assert name.strip(". ") == name
        assert name.split(".")[0].lower() not in ("con", "nul", "aux", "prn", "com1")
        assert len(name.encode()) <= NAME_BYTES + 10


def test_plain_names_stay() -> None:
    assert safe_names(["fold_0/UID_7_1_1_all.bmp", "UID_7_1_1_all.bmp", "細胞.png"]) == [
        *("UID_7_1_1_all.bmp", "UID_7_1_1_all-2.bmp", "細胞.png")
    ]
