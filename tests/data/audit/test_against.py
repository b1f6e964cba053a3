"""A new batch against an existing audit gives what an audit of all images gives."""

from pathlib import Path

import numpy as np
import pytest

import leukoscope as ls
from benchmarks.simulated_copies import COPIES
from leukoscope.core.errors import CohortError
from leukoscope.data.audit import against
from leukoscope.data.audit.audit import scan_image
from leukoscope.data.audit.descriptors import NAME
from leukoscope.data.cnmc.cnmc import ALL
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
        return scan_image(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(against, "scan_image", noted)
    ls.audit(whole.select(np.array([6, 10])), against=first)
    assert sorted(read) == ["01.png", "06.png", "10.png"]


def test_images_of_the_audit_are_left_out_of_the_batch(whole: Cohort, first: Path) -> None:
    result = ls.audit(whole, against=first)
    assert list(result.cohort["path"]) == list(whole["path"])


@pytest.mark.parametrize("damage", ["absent", "cut", "other"])
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
    else:
        ls.audit(whole.select(np.arange(6)), out=tmp_path / "other")
        path.write_bytes((tmp_path / "other" / NAME).read_bytes())
    with pytest.raises(CohortError, match=NAME):
        ls.audit(make_cohort({"path": [str(whole["path"][9])]}), against=folder)
