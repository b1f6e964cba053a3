"""ZIP archives, kind and hostile, member by member."""

import io
import os
import random
import stat
import struct
import threading
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.app.limits import MB, Limits
from leukoscope.app.uploads.archives import open_archive
from leukoscope.app.uploads.uploaded_file import UploadedFile
from leukoscope.core.errors import ImageError
from tests.app.forms import zipped
from tests.inference.bad_images import encode
from tests.inference.tiny_model import cell_image

pytestmark = pytest.mark.slow(3)

METHODS = [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
LIMITS = Limits(request_images=50)
PNG = b"\x89PNG\r\n\x1a\n" + b"not really"


def names(data: bytes, limits: Limits = LIMITS) -> list[str]:
    return [item.name for item in open_archive("z", data, limits)]


def problems(data: bytes, limits: Limits = LIMITS) -> list[str]:
    """Why each item gives no bytes; an empty text where it does."""
    found = []
    for item in open_archive("z", data, limits):
        try:
            item.load()
            found.append("")
        except ImageError as error:
            found.append(str(error))
    assert "\n" not in "".join(found)
    return found


def info(name: str, mode: int = 0, system: int = 3) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.create_system = system
    made.external_attr = mode << 16
    return made


@given(st.lists(st.binary(max_size=2_000), min_size=1, max_size=8), st.sampled_from([0, *METHODS]))
@settings(max_examples=40, deadline=None)
def test_what_was_packed_comes_out(contents, method):
    data = zipped([(f"deep/er/{n}.bmp", content) for n, content in enumerate(contents)], method)
    items = open_archive("cells.zip", data, LIMITS)
    assert [item.name for item in items] == [
        f"cells.zip/deep/er/{n}.bmp" for n in range(len(contents))
    ]
    assert [item.load() for item in items] == contents


def test_members_are_read_by_many_threads_at_once():
    contents = {f"{n}.bmp": random.Random(n).randbytes(200_000) for n in range(24)}
    items = open_archive("z", zipped(contents), LIMITS)
    out: dict[str, bytes] = {}
    threads = [
        threading.Thread(target=lambda one=one: out.__setitem__(one.name, one.load()))
        for one in items
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert out == {f"z/{name}": content for name, content in contents.items()}


def test_only_what_may_be_an_image_is_taken():
    data = zipped(
        {
            "folder/": b"",
            "folder/1.BMP": b"BM1",
            "readme.txt": b"hello",
            "labels.csv": b"path,label",
            "no suffix": PNG,
            "odd.dat": b"\xff\xd8\xff jpeg",
            "text without suffix": b"words",
            "__MACOSX/folder/._1.BMP": b"BM",
            ".hidden/2.bmp": b"BM",
            ".3.bmp": b"BM",
            "Thumbs.db": b"\xd0\xcf",
        }
    )
    assert names(data) == ["z/folder/1.BMP", "z/no suffix", "z/odd.dat"]
    assert problems(data) == ["", "", ""]


def test_names_that_are_there_twice_are_two_images():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped([("1.bmp", b"BM1"), ("1.bmp", b"BM2")])
    assert [item.load() for item in open_archive("z", data, LIMITS)] == [b"BM1", b"BM2"]
    assert names(data) == ["z/1.bmp", "z/1 (2).bmp"]


def test_a_file_without_a_name_is_refused_and_the_rest_goes_on():
    data = zipped([("x.bmp", b"BM1"), ("2.bmp", b"BM2")]).replace(b"x.bmp", b"\0.bmp")
    assert "without a name" in problems(data)[0]
    assert problems(data)[1] == ""


@pytest.mark.parametrize(
    "name", ["../1.bmp", "a/../../1.bmp", "/etc/1.bmp", "C:/1.bmp", "..\\1.bmp", "C:\\1.bmp"]
)
def test_names_that_lead_out_are_refused(name):
    data = zipped([(info(name), b"BM"), (info("good.bmp"), b"BM")])
    assert [bool(problem) for problem in problems(data)] == [True, False]
    assert "archive" in problems(data)[0]
    assert ".." not in names(data)[0]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK])
def test_links_and_devices_are_refused(kind):
    data = zipped([(info("1.bmp", kind | 0o777), b"/etc/passwd"), (info("2.bmp"), b"BM")])
    assert "link or device" in problems(data)[0]
    assert problems(data)[1] == ""


def test_an_encrypted_member_is_refused_and_the_rest_goes_on():
    data = bytearray(zipped({"1.bmp": b"BM1", "2.bmp": b"BM2"}, 0))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    assert "encrypted" in problems(bytes(data))[0]
    assert problems(bytes(data))[1] == ""


@pytest.mark.parametrize("name", ["inner.zip", "cells", "inner.tar.gz", "image.dat"])
def test_archives_in_archives_are_not_opened(name):
    inner = zipped({"1.bmp": b"BM"})
    data = zipped({name: inner if "gz" not in name else b"\x1f\x8b\x08" + inner, "2.bmp": b"BM"})
    assert "inside an archive" in problems(data)[0]
    assert problems(data)[1] == ""


@pytest.mark.parametrize("method", METHODS)
def test_a_flat_bomb_stops_early(method):
    data = zipped({"1.bmp": b"BM" + bytes(30 * MB), "2.bmp": b"BM"}, method)
    assert len(data) < 100_000
    assert "times its size" in problems(data)[0]
    assert problems(data)[1] == ""


def test_a_member_that_is_too_large():
    limits = replace(LIMITS, image_bytes=1_000)
    assert "larger than" in problems(zipped({"1.bmp": os.urandom(1_001)}), limits)[0]


def test_an_empty_frame_is_no_bomb():
    black = encode(cell_image() * 0)
    data = zipped({"black.bmp": black})
    assert len(black) / len(data) > 300
    assert problems(data) == [""]


def test_a_bomb_whose_header_lies_about_its_size():
    data = bytearray(zipped({"1.bmp": b"BM" + bytes(30 * MB)}))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 1_000)
    struct.pack_into("<I", data, data.index(b"PK\x03\x04") + 22, 1_000)
    (problem,) = problems(bytes(data))
    assert problem


def test_a_member_that_claims_to_be_packed_from_more_bytes():
    """The ratio is of bytes that are there: a claim of many packed bytes does not raise it."""
    data = bytearray(zipped({"1.bmp": b"BM" + bytes(30 * MB)}))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 20, 1 << 30)
    struct.pack_into("<I", data, data.index(b"PK\x03\x04") + 18, 1 << 30)
    (problem,) = problems(bytes(data))
    assert problem


def overlapping(entries: int) -> bytes:
    """Many entries for the same packed bytes, as in the zip bombs of D. Fifield (WOOT 2019)."""
    one = zipped({"0.bmp": b"BM" + random.Random(0).randbytes(60_000) + bytes(3 * MB)})
    start, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    directory = entries * one[start:end]
    counts = (0, 0, entries, entries, len(directory), start, 0)
    return one[:start] + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", *counts)


def test_entries_that_share_their_bytes_stop_at_the_ratio_of_the_whole():
    data = overlapping(20)
    found = problems(data)
    assert len(found) == 20
    assert found[0] == ""
    # From 3.12.2 and 3.11.8 on, Python itself refuses entries that overlap.
    assert "times its size" in found[-1] or "damaged" in found[-1]
    taken = sum(3 * MB for problem in found if not problem)
    assert taken <= max(16 * MB, LIMITS.archive_ratio * len(data))


def test_too_many_members_are_one_answer():
    data = zipped({f"{n}.bmp": b"" for n in range(10_000)}, 0)
    (problem,) = problems(data)
    assert "10,000 images" in problem
    assert "split it" in problem


def test_too_many_entries_are_not_even_listed():
    (problem,) = problems(zipped({f"{n}.txt": b"" for n in range(41_000)}, 0))
    assert "40,000 entries" in problem


def test_an_archive_without_images():
    assert problems(zipped({})) == ["an archive without images."]
    (problem,) = problems(zipped({"readme.txt": b"hello", ".cells/1.bmp": b"BM"}))
    assert problem == "an archive without images; it has 1 .txt, 1 hidden."


def test_images_in_formats_that_are_not_read_are_listed():
    assert names(zipped({"1.heic": b"", "2.gif": b"", "3.txt": b""})) == ["z/1.heic", "z/2.gif"]


whole = zipped({"1.bmp": b"BM" + bytes(500), "2.png": PNG})


@pytest.mark.parametrize("length", [4, 30, 100, len(whole) - 22, len(whole) - 1])
def test_a_truncated_archive_is_one_answer(length):
    (item,) = open_archive("z.zip", whole[:length], LIMITS)
    assert isinstance(item, UploadedFile)
    assert item.name == "z.zip"
    assert "broken" in item.problem


def test_a_damaged_member_is_refused_and_the_rest_goes_on():
    data = bytearray(zipped({"1.bmp": os.urandom(500), "2.bmp": b"BM"}, 0))
    data[100] ^= 0xFF
    assert "damaged" in problems(bytes(data))[0]
    assert problems(bytes(data))[1] == ""


@given(st.integers(0, len(whole) - 1), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_no_flipped_byte_breaks_the_reader(place, mask):
    data = bytearray(whole)
    data[place] ^= mask
    items = open_archive("z", bytes(data), LIMITS)
    assert len(problems(bytes(data))) == len(items) >= 1


def test_names_in_archives_are_cleaned_and_cut():
    data = zipped({"line\nbreak.bmp": b"BM", "ü" * 5_000 + ".bmp": b"BM", "gp\u202ej.bmp": b"BM"})
    found = names(data)
    assert found[0] == "z/line\ufffdbreak.bmp"
    assert len(found[1]) == LIMITS.name_length
    assert found[2] == "z/gp\ufffdj.bmp"


def test_windows_paths_become_forward_slashes():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info("a/b.bmp"), b"BM")
    data = buffer.getvalue().replace(b"a/b.bmp", b"a\\b.bmp")
    assert names(data) == ["z/a/b.bmp"]
    assert problems(data) == [""]
