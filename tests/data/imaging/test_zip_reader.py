"""Unpacking a file of a ZIP in bounded pieces."""

import io
import lzma
import zipfile
import zlib

import numpy as np
import pytest

from leukoscope.data.imaging.zip_reader import CHUNK, METHODS, unpacked

NOISE = np.random.default_rng(0).integers(0, 256, 3 * CHUNK + 17, dtype=np.uint8).tobytes()
CONTENTS = [b"", b"BM", bytes(5 * CHUNK), NOISE]


def packed(content: bytes, method: int) -> zipfile.ZipFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression=method) as archive:
        archive.writestr("1.bmp", content)
    return zipfile.ZipFile(buffer)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("content", CONTENTS, ids=["empty", "short", "zeros", "noise"])
def test_every_method_gives_the_content_in_bounded_pieces(method: int, content: bytes) -> None:
    archive = packed(content, method)
    pieces = list(unpacked(archive, archive.infolist()[0]))
    assert b"".join(pieces) == content
    assert all(len(piece) <= CHUNK for piece in pieces)


@pytest.mark.parametrize("method", METHODS)
def test_a_file_can_be_left_after_its_first_bytes(method: int) -> None:
    archive = packed(bytes(20_000_000), method)
    assert 0 < len(next(unpacked(archive, archive.infolist()[0]))) <= CHUNK


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("claimed", [{"file_size": 10}, {"file_size": 9999}, {"CRC": 1}])
def test_content_that_is_not_as_the_directory_says_is_an_error(
    method: int, claimed: dict[str, int]
) -> None:
    archive = packed(bytes(1000), method)
    info = archive.infolist()[0]
    for name, value in claimed.items():
        setattr(info, name, value)
    with pytest.raises(zipfile.BadZipFile):
        list(unpacked(archive, info))


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_file_is_an_error(method: int) -> None:
    archive = packed(NOISE, method)
    data = bytearray(archive.fp.getvalue())  # type: ignore[union-attr]
    data[100:5000] = bytes(4900)
    damaged = zipfile.ZipFile(io.BytesIO(bytes(data)))
    with pytest.raises((zipfile.BadZipFile, zlib.error, OSError, lzma.LZMAError)):
        list(unpacked(damaged, damaged.infolist()[0]))
