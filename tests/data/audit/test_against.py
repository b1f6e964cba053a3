"""A new batch against an existing audit gives what an audit of all images gives."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import leukoscope as ls
from benchmarks.simulated_copies import COPIES
from leukoscope.core.errors import CohortError
from leukoscope.data.audit import against, scan
from leukoscope.data.audit.descriptors import NAME
from leukoscope.data.cnmc.cnmc import ALL, HEM
from leukoscope.data.cohort import Cohort, make_cohort
from tests.data.cells import draw_cell, save_cohort


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Six old images, two of one cell; new ones: a turned copy, a file again, a pair, one alone."""
    rng = np.random.default_rng(5)
    cells = [draw_cell(seed) for seed in range(7)]
    old = [*cells[:5], COPIES["gain"](cells[0], rng)]
    new = [COPIES["everything"](cells[1], rng), cells[2], cells[5], COPIES["turn"](cells[5], rng)]
    images = {f"{n:02d}.png": image for n, image in enumerate([*old, *new, cells[6]])}
    folder = tmp_path_factory.mktemp("whole")
    return save_cohort(folder, images, [ALL] * 11, ["1", "2", "3", "4", "5", "6", *"abcde"])


@pytest.fixture(scope="module")
def first(whole: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first") / "audit"
    ls.audit(whole.select(np.arange(6)), out=folder)
    return folder


def test_the_result_is_that_of_one_audit(whole: Cohort, first: Path, tmp_path: Path) -> None:
    result = ls.audit(whole.select(np.arange(6, 11)), against=first, out=tmp_path / "both")
    once = ls.audit(whole)
    for name in ("path", "person", "cell", "sha256", "flags", "audit_key"):
        assert list(result.cohort[name]) == list(once.cohort[name])
    assert result.persons == once.persons
    assert len(once.pairs["kind"]) == 4
    for name, column in once.pairs.items():
        same = np.allclose if column.dtype.kind == "f" else np.array_equal
        assert same(result.pairs[name], column), name


def test_batches_follow_one_another(whole: Cohort, first: Path, tmp_path: Path) -> None:
    ls.audit(whole.select(np.arange(6, 8)), against=first, out=tmp_path / "second")
    result = ls.audit(whole.select(np.arange(8, 11)), against=tmp_path / "second")
    assert result.persons == ls.audit(whole).persons


def test_only_old_images_that_look_like_a_new_one_are_read(
    whole: Cohort, first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(path: Path, *arguments: object) -> object:
        read.append(path.name)
        return original(path, *arguments)  # type: ignore[arg-type]

    original = scan.scan_image
    for module in (scan, against):  # of the new images, and of the old ones
        monkeypatch.setattr(module, "scan_image", noted)
    ls.audit(whole.select(np.array([6, 10])), against=first)
    assert sorted(read) == ["01.png", "06.png", "10.png"]


def test_images_of_the_audit_are_left_out_of_the_batch(whole: Cohort, first: Path) -> None:
    result = ls.audit(whole, against=first)
    assert list(result.cohort["path"]) == list(whole["path"])


@pytest.mark.parametrize("damage", ["absent", "cut", "flipped", "no archive", "types", "other"])
def test_an_audit_that_lacks_its_descriptors_is_refused(
    damage: str, whole: Cohort, tmp_path: Path
) -> None:
    folder = tmp_path / "audit"
    ls.audit(whole.select(np.arange(3)), out=folder)
    path = folder / NAME
    if damage == "absent":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "flipped":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    elif damage == "no archive":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif damage == "types":
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **{**arrays, "rows": arrays["rows"].astype(float)})
    else:
        ls.audit(whole.select(np.arange(6)), out=tmp_path / "other")
        path.write_bytes((tmp_path / "other" / NAME).read_bytes())
    with pytest.raises(CohortError, match=NAME):
        ls.audit(make_cohort({"path": [str(whole["path"][9])]}), against=folder)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("label", HEM, "00.png (label HEM, in the audit ALL)"),
        ("subject", "9", "00.png (subject 9, in the audit 1)"),
        ("person", "9", "00.png (person 9, in the audit 1)"),
        ("data_source", "Lab B", "00.png (data_source Lab B, in the audit unknown)"),
    ],
)
def test_another_entry_for_an_image_of_the_audit_is_refused_by_name(
    column: str, value: object, told: str, whole: Cohort, first: Path, tmp_path: Path
) -> None:
    blank = np.full(len(whole), "", object)
    changed = whole.columns.get(column, blank).copy()
    changed[0] = value
    with pytest.raises(CohortError) as error:
        ls.audit(whole.with_columns(**{column: changed}), against=first, out=tmp_path / "out")
    assert told in str(error.value)
    assert "1 of 6 images" in str(error.value)
    assert not (tmp_path / "out").exists()


def test_blank_entries_agree_with_the_audit(whole: Cohort, first: Path) -> None:
    paths = make_cohort({"path": list(whole["path"])})
    assert list(ls.audit(paths, against=first).cohort["subject"][:6]) == list("123456")


@pytest.fixture
def moved(whole: Cohort, tmp_path: Path) -> Cohort:
    """Three audited images in a folder of their own, audited, and a new one."""
    for path in whole.paths[:4]:
        shutil.copy(path, tmp_path / path.name)
    paths = [str(tmp_path / path.name) for path in whole.paths[:4]]
    cohort = make_cohort({"path": paths, "label": [ALL] * 4, "subject": list("1234")})
    ls.audit(cohort.select(np.arange(3)), out=tmp_path / "audit")
    return cohort


def test_old_images_that_are_away_make_the_audit_incomplete(moved: Cohort, tmp_path: Path) -> None:
    moved.paths[1].unlink()
    result = ls.audit(moved.select(np.array([3])), against=tmp_path / "audit")
    assert result.unreadable == [str(moved.paths[1])]
    assert result.exit_code == 3


@pytest.mark.parametrize("dated", [False, True])
def test_old_images_that_were_replaced_are_refused_by_name(
    dated: bool, moved: Cohort, tmp_path: Path
) -> None:
    first, last = moved.paths[0], moved.paths[3]
    before = first.stat()
    shutil.copy(last, first)
    if dated:  # as after copying with dates
        os.utime(first, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(CohortError, match=r"1 of 3 images changed since the audit.*00\.png"):
        ls.audit(moved.select(np.array([3])), against=tmp_path / "audit")


def test_audits_without_the_states_of_files_are_compared_by_hash(
    moved: Cohort, tmp_path: Path
) -> None:
    path = tmp_path / "audit" / NAME
    with np.load(path) as file:
        old = {name: file[name] for name in file if name != "states"}
    np.savez(path, **old)
    assert ls.audit(moved, against=tmp_path / "audit").exit_code == 0
    shutil.copy(moved.paths[3], moved.paths[0])
    with pytest.raises(CohortError, match="changed since the audit"):
        ls.audit(moved, against=tmp_path / "audit")


def test_a_folder_that_is_no_audit_is_refused_with_the_folder_to_name(
    first: Path, tmp_path: Path
) -> None:
    new = make_cohort({"path": ["a.png"]})
    for wrong in (tmp_path / "absent", tmp_path):
        with pytest.raises(CohortError, match="not the folder of an audit"):
            ls.audit(new, against=wrong)
    with pytest.raises(CohortError, match=re.escape(f"one: {first}.")):
        ls.audit(new, against=first / "cohort.csv")
