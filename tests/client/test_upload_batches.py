"""Requests of bounded size from whatever is named."""

from leukoscope.client import upload_batches as module
from leukoscope.client.upload_batches import UnreadableImage, upload_batches


def names(batch):
    return [file[0] for _, file in batch]


def test_requests_are_bounded_by_count_and_bytes_and_keep_the_order(monkeypatch):
    monkeypatch.setattr(module, "BATCH_IMAGES", 3)
    monkeypatch.setattr(module, "BATCH_BYTES", 10)
    sizes = [1, 1, 1, 1, 8, 2, 11, 1, 10, 1]
    packed = list(upload_batches([(str(i), b"x" * size) for i, size in enumerate(sizes)]))
    assert [names(batch) for batch in packed] == [
        ["0", "1", "2"],
        ["3", "4"],
        ["5"],
        ["6"],  # too large, and so alone
        ["7"],
        ["8"],
        ["9"],
    ]
    assert [len(data) for batch in packed for _, (_, data) in batch] == sizes


def test_files_are_read_when_their_turn_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_IMAGES", 2)
    paths = [tmp_path / f"{i}.bmp" for i in range(4)]
    for path in paths[:3]:
        path.write_bytes(path.name.encode())
    coming = upload_batches(paths)
    assert names(next(coming)) == ["0.bmp", "1.bmp"]
    paths[3].write_bytes(b"late")
    assert next(coming)[1] == ("files", ("3.bmp", b"late"))
    assert next(coming, None) is None


def test_a_folder_an_archive_bytes_and_what_cannot_be_read(tmp_path):
    folder = tmp_path / "cells"
    (folder / "deep").mkdir(parents=True)
    for name in ("10.bmp", "2.png", "deep/1.bmp", "notes.txt", ".hidden.bmp"):
        (folder / name).write_bytes(name.encode())
    (tmp_path / "all.zip").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    packed = list(
        upload_batches(
            [
                folder,
                str(tmp_path / "absent.bmp"),
                b"bytes",
                ("a/b.bmp", b"named"),
                tmp_path / "empty",
                tmp_path / "*.tif",
            ]
        )
    )
    assert names(packed[0]) == ["cells/2.png", "cells/10.bmp", "cells/deep/1.bmp"]
    assert packed[1] == UnreadableImage("absent.bmp", "no such file.")
    assert [file for _, file in packed[2]] == [("image", b"bytes"), ("a/b.bmp", b"named")]
    assert packed[3].name == "empty"
    assert "without images" in packed[3].problem
    assert packed[4].problem == "no image matches this pattern"
    assert len(packed) == 5
    for named in ("all.zip", "*.zip"):
        assert names(next(upload_batches(tmp_path / named))) == ["all.zip"]


def test_one_image_needs_no_list(tmp_path):
    path = tmp_path / "one.bmp"
    path.write_bytes(b"one")
    for image in (path, str(path), b"one"):
        (batch,) = upload_batches(image)
        assert [data for _, (_, data) in batch] == [b"one"]
