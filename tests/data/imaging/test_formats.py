"""The table of image formats agrees with Pillow, and with what a decoder accepts."""

import io

import numpy as np
import pytest
from PIL import Image

from leukoscope.data.imaging.formats import FORMATS, HEAD_BYTES, SUFFIXES, sniff
from leukoscope.data.imaging.image import decode

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)


def encoded(pillow: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, pillow)
    return stream.getvalue()


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_each_format_is_sniffed_and_decoded(row):
    data = encoded(row.pillow)
    assert sniff(data[:HEAD_BYTES]) is row
    assert decode(data).shape == (9, 7, 3)


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_suffixes_and_media_types_are_those_of_pillow(row):
    Image.init()
    assert {Image.EXTENSION[suffix] for suffix in row.suffixes} == {row.pillow}
    assert Image.MIME[row.pillow] == row.media_type


def test_no_suffix_stands_for_two_formats():
    assert len(SUFFIXES) == sum(len(row.suffixes) for row in FORMATS)


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(10), b"RIFF0000WAVE", b"II*", b" BM"])
def test_other_bytes_are_no_format(data):
    assert sniff(data) is None


def test_tiff_has_two_byte_orders():
    assert sniff(b"II*\0").name == sniff(b"MM\0*").name == "TIFF"
    assert sniff(b"II+\0").name == sniff(b"MM\0+").name == "TIFF"  # BigTIFF
