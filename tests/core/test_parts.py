"""Temporary files: removed when nobody writes them any more, and never named to a user."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leukoscope.core.errors import FileError
from leukoscope.core.files import atomic_folder, atomic_path, locked, write_text
from leukoscope.core.parts import DAY, HOST, PART, sweep

WRITER = """
import sys, time
from leukoscope.core.files import atomic_path
with atomic_path(sys.argv[1]) as part:
    part.write_text("half")
    print(part, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that writes x.txt and does not finish."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "x.txt")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_the_part_of_a_living_writer_stays_and_that_of_a_killed_one_goes(tmp_path, writer):
    (part,) = tmp_path.iterdir()
    assert PART.fullmatch(part.name)
    assert sweep(tmp_path) == []
    writer.kill()
    writer.wait()
    assert sweep(tmp_path) == [part]
    assert list(tmp_path.iterdir()) == []


def test_parts_of_killed_writers_go_before_the_next_file_is_written(tmp_path):
    left = tmp_path / f".model.{HOST}abcd.part.onnx"
    left.write_bytes(b"half")
    others = [tmp_path / name for name in (".hidden", "a.part", ".x.part.npy", ".x.0123abc.part")]
    for other in others:
        other.touch()
    write_text(tmp_path / "x.txt", "x")
    assert set(tmp_path.iterdir()) == {*others, tmp_path / "x.txt"}


def test_parts_of_other_machines_go_when_they_are_a_day_old(tmp_path):
    other = "0000" if HOST != "0000" else "1111"
    new, old = (tmp_path / f".{name}.{other}abcd.part.npy" for name in ("new", "old"))
    for part in (new, old):
        part.touch()
    os.utime(old, (time.time() - DAY - 60,) * 2)
    assert sweep(tmp_path) == [old]
    assert list(tmp_path.iterdir()) == [new]


def test_a_part_written_by_way_of_a_part_stays_locked(tmp_path):
    with atomic_path(tmp_path / "x.txt") as outer:
        write_text(outer, "inner")
        assert sweep(tmp_path) == []
    assert (tmp_path / "x.txt").read_text() == "inner"
    assert list(tmp_path.iterdir()) == [tmp_path / "x.txt"]


def test_no_descriptor_stays_open(tmp_path):
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    write_text(tmp_path / "x.txt", "x")
    before = descriptors()
    for _ in range(5):
        with atomic_path(tmp_path / "x.txt") as outer:
            write_text(outer, "inner")
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "y.txt"):
        raise RuntimeError
    assert descriptors() == before


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
        RuntimeError("Error while serializing: I/O error: No space left (os error 28)"),
    ],
)
def test_a_full_disk_is_one_error_that_names_the_file(tmp_path, error):
    with pytest.raises(FileError) as caught, atomic_path(tmp_path / "x.txt"):
        raise error
    assert str(tmp_path / "x.txt") in str(caught.value)
    assert ".part" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_an_inner_file_names_the_final_one(tmp_path):
    path = tmp_path / "x.txt"
    with pytest.raises(FileError) as caught, atomic_path(path) as outer, atomic_path(outer):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value).startswith(str(tmp_path / "x.txt"))
    assert ".part" not in str(caught.value)


def test_errors_about_other_files_are_passed_on(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x.txt"):
        (tmp_path / "missing.bmp").read_bytes()


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"file/x\.txt"):
        write_text(tmp_path / "file" / "x.txt", "x")
    with pytest.raises(FileError), locked(tmp_path / "file" / "x.lock"):
        pass


def test_a_name_of_wide_characters_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("細" * 83 + ".txt")
    write_text(path, "x")
    assert path.read_text() == "x"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_read_only_folder(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number), str(tmp_path / ".x.0123abcd.part.txt"))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileError) as caught, atomic_path(tmp_path / "x.txt"):
        pass
    assert str(caught.value).startswith(f"{tmp_path}/x.txt: ")
    assert ".part" not in str(caught.value)


def test_a_folder_that_becomes_read_only_keeps_the_part_and_shows_the_first_error(
    tmp_path, monkeypatch
):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "x.txt"):  # noqa: PT012
        monkeypatch.setattr(type(tmp_path), "unlink", refuse)
        raise ZeroDivisionError


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    (tmp_path / "cells").mkdir()  # an empty one is replaced
    with atomic_folder(tmp_path / "cells") as folder:
        (folder / "a.bmp").touch()
        assert sweep(tmp_path) == []
    assert [path.name for path in (tmp_path / "cells").iterdir()] == ["a.bmp"]
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "others") as folder:  # noqa: PT012
        (folder / "b.bmp").touch()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == [tmp_path / "cells"]


def test_a_folder_of_a_killed_writer_goes(tmp_path):
    left = tmp_path / f".cells.{HOST}abcd.part"
    (left / "fold").mkdir(parents=True)
    (left / "fold" / "a.bmp").touch()
    assert sweep(tmp_path) == [left]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_below_a_folder_names_the_folder(tmp_path):
    path = tmp_path / "cells"
    with pytest.raises(FileError) as caught, atomic_folder(path) as part:
        raise OSError(errno.ENOSPC, "No space left on device", str(part / "a.bmp"))
    assert str(caught.value).startswith(f"{path}: ")
    assert ".part" not in str(caught.value)
