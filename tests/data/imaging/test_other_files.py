"""Files that are no readable images are named for what they are."""

import re
from collections import Counter

import pytest

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging import formats
from leukoscope.data.imaging.formats import ImageFormat
from leukoscope.data.imaging.image import decode
from leukoscope.data.imaging.other_files import (
    archive_kind,
    describe_left_out,
    has_image_suffix,
    is_image,
    why_not_read,
)

OTHERS = {
    "GIF": b"GIF89a",
    "HEIC": b"\0\0\0\x20ftypheic",
    "AVIF": b"\0\0\0\x20ftypavif",
    "DICOM": bytes(128) + b"DICM",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "PDF": b"%PDF-1.7",
}
ARCHIVES = {"ZIP": b"PK\3\4", "gzip": b"\x1f\x8b\x08", "7z": b"7z\xbc\xaf\x27\x1c"}


@pytest.mark.parametrize("kind", OTHERS)
def test_an_image_in_another_format_is_one_line_with_its_name(kind):
    assert is_image(OTHERS[kind])
    with pytest.raises(ImageError, match=kind):
        decode(OTHERS[kind] + bytes(400))


def test_a_new_row_of_the_table_of_formats_is_enough_to_read_a_format(monkeypatch):
    row = ImageFormat("GIF", "GIF", (".gif",), "image/gif", re.compile(rb"GIF8[79]a"))
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, row))
    assert "damaged" in why_not_read(OTHERS["GIF"])


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_is_named(kind):
    assert archive_kind(ARCHIVES[kind]) == kind
    assert not is_image(ARCHIVES[kind])
    with pytest.raises(ImageError, match=kind):
        decode(ARCHIVES[kind] + bytes(400))


@pytest.mark.parametrize("start", [b"II*\0", b"II+\0", b"MM\0+", b"\x89PNG\r\n\x1a\n", b"BM"])
def test_a_damaged_file_of_a_known_format_is_not_called_a_stranger(start):
    with pytest.raises(ImageError) as caught:
        decode(start + bytes(40))
    assert "not an image this program reads" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.bmp ", "a/b.JFIF", "x.heic", "c.dcm", "d.TIF"])
def test_image_suffixes(name):
    assert has_image_suffix(name)


@pytest.mark.parametrize("name", ["a", "a.txt", "bmp", ".bmp", "a.bmp.part"])
def test_other_names(name):
    assert not has_image_suffix(name)


def test_left_out_files_are_counted_by_kind():
    assert describe_left_out(Counter()) == ""
    counts = Counter({".txt": 2, "": 1, ".a": 1, ".b": 1, ".c": 1, ".d": 1})
    assert describe_left_out(counts).startswith("2 .txt, 1 without suffix")
    assert describe_left_out(counts).endswith("2 of other kinds")
