"""Sources of a job on a cluster: folders, patterns, URLs and tables of them."""

from pathlib import Path

import pytest

from leukoscope.core.errors import CohortError
from leukoscope.core.tables import write_table
from leukoscope.inference.bulk.listing import list_items
from leukoscope.inference.bulk.remote import is_url, restored
from leukoscope.inference.sources import expand


def test_a_folder_gives_the_images_of_predict(cells: Path) -> None:
    names = [str(source.path) for source in expand(cells)]
    assert [item.name for item in list_items([str(cells)])] == names
    assert [item.name for item in list_items([str(cells / "*.bmp"), str(cells)])] == names


def test_urls_are_listed_with_their_stamps(cells: Path, s3: str) -> None:
    import s3fs

    store = s3fs.S3FileSystem()
    store.put(str(cells), "bucket/listed", recursive=True)
    store.pipe_file("bucket/listed/notes.txt", b"")
    items = list(list_items([f"{s3}/listed"]))
    assert [item.name for item in items] == [
        f"{s3}/listed/{source.path.name}" for source in expand(cells)
    ]
    assert all(item.is_remote and item.stamp for item in items)
    some = list(list_items([f"{s3}/listed/UID_1_*.bmp"]))
    assert [item.name for item in some] == [i.name for i in items if "/UID_1_" in i.name]
    (none,) = list_items([f"{s3}/nothing"])
    assert none.source.problem


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_may_mix_files_and_urls(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = tmp_path / f"list{suffix}"
    write_table(table, {"path": ["a.bmp", "s3://bucket/b.bmp", str(tmp_path / "c.bmp"), "a.bmp"]})
    names = [item.name for item in list_items([str(table)])]
    assert names == [str(tmp_path / "a.bmp"), "s3://bucket/b.bmp", str(tmp_path / "c.bmp")]


def test_a_subject_of_a_table_is_kept_beside_a_folder(cells: Path, tmp_path: Path) -> None:
    first, second = (str(source.path) for source in expand(cells)[:2])
    table = tmp_path / "list.csv"
    write_table(table, {"path": [first, first, second], "subject": ["A", "B", ""]})
    for names in ([str(cells), str(table)], [str(table), str(cells)]):
        items = list(list_items(names))
        assert [item.source.subject for item in items if item.name == first] == ["A", "B"]
        assert len(items) == len(expand(cells)) + 1


def test_a_table_without_paths_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    for suffix in (".csv", ".parquet"):
        table = tmp_path / f"list{suffix}"
        write_table(table, {"file": ["a.bmp"]})
        with pytest.raises(CohortError, match="path"):
            list(list_items([str(table)]))


def test_a_url_survives_being_a_path() -> None:
    for url in ("s3://bucket/key", "gs://a/b.bmp", "memory://x/y"):
        assert restored(str(Path(url))) == url
        assert is_url(url)
    for name in ("C:\\cells", "C:/cells", "cells/a.bmp", "/a:b/c"):
        assert not is_url(name)
        assert restored(name) == name
