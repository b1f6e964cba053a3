"""Depth, pages and alpha come from the fields of the file."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.image import decode

CELL = np.random.default_rng(0).integers(16, 256, (20, 24, 3), dtype=np.uint8)
PREVIEW = CELL[::4, ::4]
DEEP = CELL.astype(np.uint16) * 257


def tiff(*pages: tuple[np.ndarray, dict], **options: object) -> bytes:
    """A TIFF of pages, each an array with options of `TiffWriter.write`."""
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, **options) as writer:  # type: ignore[arg-type]
        for array, settings in pages:
            kind = {"photometric": "minisblack" if array.ndim == 2 else "rgb", **settings}
            writer.write(array, metadata=None, **kind)
    return stream.getvalue()


def planes(array: np.ndarray) -> tuple[np.ndarray, dict]:
    return np.moveaxis(array, 2, 0).copy(), {"planarconfig": "separate"}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("page", [(CELL, {}), planes(CELL)], ids=["interleaved", "separate"])
def test_eight_bits_are_read_in_any_arrangement(page, order):
    assert np.array_equal(decode(tiff(page, byteorder=order)), CELL)
    if order == "<":
        assert np.array_equal(decode(tiff(page, bigtiff=True)), CELL)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "page",
    [
        (DEEP, {}),
        planes(DEEP),
        planes(np.dstack([DEEP, DEEP[..., 0]])),
        (DEEP[..., 0], {}),
        (DEEP[..., 0].astype(np.int16), {}),
        (CELL[..., 0].astype(np.float32), {}),
    ],
)
def test_more_than_eight_bits_are_refused_in_any_arrangement(page, order):
    with pytest.raises(ImageError, match="more than 8 bits"):
        decode(tiff(page, byteorder=order))


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float64, np.uint32])
def test_other_numbers_are_refused_as_one_line(dtype):
    for page in ((CELL.astype(dtype), {}), (CELL[..., 0].astype(dtype), {})):
        with pytest.raises(ImageError, match="8") as caught:
            decode(tiff(page))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "second",
    [
        (PREVIEW, {"subfiletype": 1}),
        (CELL[..., 0] > 99, {"subfiletype": 4, "photometric": "mask"}),
    ],
    ids=["preview", "mask"],
)
def test_a_preview_or_mask_is_no_second_picture(second):
    main = (CELL, {"subfiletype": 0})
    assert np.array_equal(decode(tiff(main, second)), CELL)
    assert np.array_equal(decode(tiff((PREVIEW, {"subfiletype": 1}), main, second)), CELL)


def test_two_pictures_are_refused_whatever_else_is_there():
    preview = (PREVIEW, {"subfiletype": 1})
    for pages in ([(CELL, {})] * 2, [(CELL, {}), preview, (CELL, {})], [preview] * 2):
        with pytest.raises(ImageError, match="several images"):
            decode(tiff(*pages))
    with pytest.raises(ImageError, match="several images"):
        decode(tiff((CELL, {}), *[preview] * 30))


def test_a_phone_picture_with_a_second_one_inside_is_its_first():
    stream = io.BytesIO()
    first, second = Image.fromarray(CELL), Image.fromarray(PREVIEW)
    first.save(stream, "MPO", save_all=True, append_images=[second], quality=100)
    assert Image.open(io.BytesIO(stream.getvalue())).format == "MPO"
    assert decode(stream.getvalue()).shape == CELL.shape


def bmp(bits: int, masks: tuple[int, ...], pixels: np.ndarray, header: int = 108) -> bytes:
    """A top-down BMP with bit fields, uint16 or uint32 (H, W)."""
    height, width = pixels.shape
    info = struct.pack("<IiiHHIIiiII", header, width, -height, 1, bits, 3, 0, 0, 0, 0, 0)
    info += struct.pack(f"<{len(masks)}I", *masks)
    info = info.ljust(header if header > 40 else len(info), b"\0")
    body = pixels.astype(f"<u{bits // 8}").tobytes()
    return struct.pack("<2sIHHI", b"BM", 14 + len(info) + len(body), 0, 0, 14 + len(info)) + (
        info + body
    )


@pytest.mark.parametrize("masks", [(0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)])
@pytest.mark.parametrize("header", [40, 108, 124])
def test_a_bmp_of_16_bits_a_pixel_has_fewer_than_8_a_channel(masks, header):
    red, green, blue = CELL.astype(np.uint16).transpose(2, 0, 1)
    wide = masks[1] == 0x7E0
    packed = (red >> 3) << (11 if wide else 10) | (green >> (2 if wide else 3)) << 5 | blue >> 3
    image = decode(bmp(16, masks, packed, header))
    assert np.abs(image.astype(int) - CELL).max() <= 8


def packed_bgra(alpha: np.ndarray) -> bytes:
    red, green, blue = CELL.astype(np.uint32).transpose(2, 0, 1)
    pixels = alpha.astype(np.uint32) << 24 | red << 16 | green << 8 | blue
    return bmp(32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000), pixels)


def test_alpha_that_is_zero_everywhere_in_a_bmp_is_not_used():
    nothing = np.zeros(CELL.shape[:2], np.uint8)
    assert np.array_equal(decode(packed_bgra(nothing)), CELL)
    assert np.array_equal(decode(packed_bgra(nothing + 255)), CELL)
    half = nothing.copy()
    half[10:] = 255
    image = decode(packed_bgra(half))
    assert np.array_equal(image[10:], CELL[10:])
    assert not image[:10].any()


def test_a_png_that_is_transparent_everywhere_is_black():
    stream = io.BytesIO()
    Image.fromarray(np.dstack([CELL, CELL[..., 0] * 0])).save(stream, "PNG")
    assert not decode(stream.getvalue()).any()
