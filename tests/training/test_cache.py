import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leukoscope.core.errors import TrainingError
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.data.descriptors import describe
from leukoscope.data.hashing import hash_cells
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.training import cache
from leukoscope.training.cache import (
    cache_folder,
    cached_crops,
    cached_descriptors,
    estimate,
    estimate_measuring,
    usable_rows,
)
from leukoscope.training.mapped_array import SelectedRows, create

CROP = Crop(crop=40, size=20)


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.bmp" for number in range(5)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)).save(path)
    return hash_cells(make_cohort({"path": paths}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_crops_are_those_of_read_cell_in_order(cohort: Cohort, folder: Path) -> None:
    crops = cached_crops(cohort, CROP, folder=folder)
    assert crops.problems == {}
    expected = np.stack([read_cell(path, CROP) for path in cohort.paths])
    assert np.array_equal(crops.cells, expected)


def test_the_second_call_reads_no_image(cohort: Cohort, folder: Path) -> None:
    first = np.array(cached_crops(cohort, CROP, folder=folder).cells)
    for path in cohort.paths:
        path.unlink()
    second = cached_crops(cohort, CROP, folder=folder)
    assert np.array_equal(second.cells, first)
    assert second.problems == {}


def test_images_that_were_missing_are_read_once_they_are_back(
    cohort: Cohort, folder: Path, tmp_path: Path
) -> None:
    image, away = cohort.paths[1], tmp_path / "away.bmp"
    image.rename(away)
    assert set(cached_crops(cohort, CROP, folder=folder).problems) == {1}
    away.rename(image)
    crops = cached_crops(cohort, CROP, folder=folder)
    assert crops.problems == {}
    assert np.array_equal(crops.cells[1], read_cell(image, CROP))


def test_crops_cannot_be_written_to(cohort: Cohort, folder: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        cached_crops(cohort, CROP, folder=folder).cells[0] = 0


def test_a_changed_file_another_crop_and_another_order_are_noticed(
    cohort: Cohort, folder: Path
) -> None:
    before = np.array(cached_crops(cohort, CROP, folder=folder).cells)
    reverse = cached_crops(cohort.select(np.arange(5)[::-1]), CROP, folder=folder).cells
    assert np.array_equal(reverse, before[::-1])
    assert cached_crops(cohort, Crop(40, 16), folder=folder).cells.shape == (5, 16, 16, 3)
    Image.new("RGB", (50, 50), "white").save(cohort.paths[2])
    again = hash_cells(make_cohort({"path": cohort["path"]}))
    after = cached_crops(again, CROP, folder=folder).cells
    assert (after[2] == 255).all()
    assert np.array_equal(np.delete(after, 2, axis=0), np.delete(before, 2, axis=0))


def test_an_unreadable_image_is_a_problem_with_its_row(cohort: Cohort, folder: Path) -> None:
    cohort.paths[1].write_bytes(b"BM not an image")
    cohort.paths[3].unlink()
    again = hash_cells(make_cohort({"path": cohort["path"]}))
    for _ in range(2):  # made, and read from the cache
        crops = cached_crops(again, CROP, folder=folder)
        assert set(crops.problems) == {1, 3}
        assert "1.bmp" in crops.problems[1]
        assert "\n" not in crops.problems[1]
        assert not crops.cells[[1, 3]].any()
        assert np.array_equal(crops.cells[4], read_cell(cohort.paths[4], CROP))


def test_images_that_could_not_be_hashed_are_not_taken_for_each_other(
    cohort: Cohort, folder: Path
) -> None:
    unhashed = make_cohort({"path": cohort["path"]})
    first = cached_crops(unhashed.select(np.array([0])), CROP, folder=folder).cells
    second = cached_crops(unhashed.select(np.array([1])), CROP, folder=folder).cells
    assert not np.array_equal(first, second)


def test_a_half_written_cache_is_made_again(cohort: Cohort, folder: Path) -> None:
    expected = np.array(cached_crops(cohort, CROP, folder=folder).cells)
    next(folder.glob("*.json")).unlink()  # as when stopped between its two files
    assert np.array_equal(cached_crops(cohort, CROP, folder=folder).cells, expected)
    assert not [path for path in folder.iterdir() if ".part" in path.name]


def test_a_full_disk_is_said_before_anything_is_written(cohort: Cohort, folder: Path) -> None:
    many = cohort.select(np.zeros(400_000, dtype=np.uint8))
    with pytest.raises(TrainingError, match=r"20132\.7 GB are needed.*LEUKOSCOPE_CACHE"):
        cached_crops(many, Crop(4096, 4096), folder=folder)
    assert {path.suffix for path in folder.iterdir()} <= {".lock"}


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == Path(os.environ["LEUKOSCOPE_CACHE"])
    monkeypatch.delenv("LEUKOSCOPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "leukoscope" / "crops"


def test_estimate_in_words() -> None:
    assert estimate(10_000, Crop(384, 256), jobs=2).startswith("10,000 crops of 256 px: 1.97 GB")


def test_descriptors_are_kept_likewise(
    cohort: Cohort, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = np.stack([describe(read_cell(path, CROP)) for path in cohort.paths])
    cohort.paths[2].write_bytes(b"BM not an image")
    changed = hash_cells(make_cohort({"path": cohort["path"]}))
    for _ in range(2):  # made, and read from the cache
        found = cached_descriptors(changed, CROP, folder=folder)
        assert found.cells.dtype == np.float32
        assert np.array_equal(np.delete(found.cells, 2, axis=0), np.delete(expected, 2, axis=0))
        assert not found.cells[2].any()
        assert list(found.problems) == [2]
    made = len(list(folder.glob("*.npy")))
    monkeypatch.setattr("leukoscope.training.cache.VERSION", 99)
    cached_descriptors(changed, CROP, folder=folder)
    cached_crops(changed, CROP, folder=folder)
    assert len(list(folder.glob("*.npy"))) == made + 2
    assert "about 80 s" in estimate_measuring(10_000, 2)


def test_the_time_is_announced_only_if_it_is_needed(
    cohort: Cohort, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "leukoscope")
    for _ in range(2):
        cached_crops(cohort, CROP, folder=folder, note="about 1 s")
    assert caplog.messages == ["about 1 s"]


def test_a_cache_that_cannot_be_written_is_replaced_by_memory(
    cohort: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    crops = cached_crops(cohort, CROP, folder=tmp_path / "file" / "cache")
    assert np.array_equal(crops.cells, [read_cell(path, CROP) for path in cohort.paths])
    assert str(tmp_path / "file") in caplog.text
    with pytest.raises(ValueError, match="read-only"):
        crops.cells[0] = 0


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("left", [0, 7, -1])
def test_a_damaged_cache_is_made_again(
    cohort: Cohort, folder: Path, suffix: str, left: int
) -> None:
    expected = np.array(cached_crops(cohort, CROP, folder=folder).cells)
    (path,) = folder.glob(f"*{suffix}")
    path.write_bytes(path.read_bytes()[:left])
    assert np.array_equal(cached_crops(cohort, CROP, folder=folder).cells, expected)


def test_of_several_processes_one_makes_the_crops(
    cohort: Cohort, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = [], cache._make

    def make(*arguments: object) -> None:
        made.append(arguments)
        time.sleep(0.2)  # the others come meanwhile
        real(*arguments)

    monkeypatch.setattr(cache, "_make", make)
    with ThreadPoolExecutor(3) as pool:  # locks of threads exclude each other as those of processes
        tasks = [pool.submit(cached_crops, cohort, CROP, folder=folder) for _ in range(3)]
        crops = [task.result().cells for task in tasks]
    assert len(made) == 1
    assert all(isinstance(one, np.memmap) for one in crops)


def test_selected_rows_are_looked_up_and_not_copied(cohort: Cohort, folder: Path) -> None:
    cells = cached_crops(cohort, CROP, folder=folder).cells
    selected = SelectedRows(cells, np.array([3, 1]))
    assert len(selected) == 2
    assert np.array_equal(selected[np.array([1, 0])], cells[[1, 3]])
    assert np.shares_memory(selected[0], cells)


def test_room_on_the_disk_is_taken_before_it_is_written(tmp_path: Path) -> None:
    array = create(tmp_path / "x.npy", np.uint8, (1000, 1000))
    assert (tmp_path / "x.npy").stat().st_blocks * 512 >= 1_000_000
    assert not array.any()


def test_a_file_that_changed_after_it_was_hashed_is_a_problem_and_not_cached(
    cohort: Cohort, folder: Path
) -> None:
    before = cohort.paths[2].read_bytes()
    Image.new("RGB", (50, 50), "white").save(cohort.paths[2])
    crops = cached_crops(cohort, CROP, folder=folder)
    assert set(crops.problems) == {2}
    assert not crops.cells[2].any()
    cohort.paths[2].write_bytes(before)
    again = cached_crops(cohort, CROP, folder=folder)
    assert again.problems == {}
    assert again.cells[2].any()


def test_a_subset_that_lost_a_class_is_refused_with_the_first_reason(cohort: Cohort) -> None:
    parts = cohort.with_columns(part=["train"] * 4 + [""], label=np.array([1, 0, 0, 1, 1]))
    assert usable_rows(parts, {0: "a.bmp: damaged."}).tolist() == [1, 2, 3]
    with pytest.raises(TrainingError, match=r"2 of 4 .*HEM cell for train.*b\.bmp: damaged"):
        usable_rows(parts, {1: "b.bmp: damaged.", 2: "c.bmp: damaged."})
