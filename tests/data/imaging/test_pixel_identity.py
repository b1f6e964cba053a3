import io

import numpy as np
import pytest
from PIL import Image

from leukoscope.data.imaging.image import decode
from leukoscope.data.imaging.pixel_identity import pixel_sha256
from tests.data.cells import draw_cell

CELL = draw_cell(1, side=80, radius=25)


def encoded(image: np.ndarray, kind: str, mode: str = "RGB", **options: object) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).convert(mode).save(stream, kind, **options)
    return decode(stream.getvalue())


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("BMP", "RGB", {}),
        ("PNG", "RGB", {"compress_level": 1}),
        ("PNG", "RGBA", {}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("WEBP", "RGB", {"lossless": True}),
    ],
)
def test_lossless_copies_in_any_container_are_the_same(kind: str, mode: str, options: dict) -> None:
    assert pixel_sha256(encoded(CELL, kind, mode, **options)) == pixel_sha256(CELL)


def test_gray_and_palette_images_equal_their_rgb_form() -> None:
    gray = np.repeat(CELL[..., :1], 3, axis=2)
    few = (CELL // 64) * 64
    assert pixel_sha256(encoded(gray, "PNG", "L")) == pixel_sha256(gray)
    palette = Image.fromarray(few).quantize(64)
    stream = io.BytesIO()
    palette.save(stream, "PNG")
    shown = np.asarray(palette.convert("RGB"))
    assert pixel_sha256(decode(stream.getvalue())) == pixel_sha256(shown)


@pytest.mark.parametrize("pad", [((0, 75), (75, 0)), ((10, 10), (10, 10)), ((0, 1), (0, 0))])
def test_black_margins_do_not_matter(pad: tuple[tuple[int, int], ...]) -> None:
    assert pixel_sha256(np.pad(CELL, (*pad, (0, 0)))) == pixel_sha256(CELL)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_and_mirrored_copies_are_the_same(turns: int, mirrored: bool) -> None:
    form = np.rot90(CELL[:, ::-1] if mirrored else CELL, turns)
    assert pixel_sha256(form) == pixel_sha256(CELL)


def test_symmetric_images_have_one_hash_in_every_orientation() -> None:
    half = np.concatenate([CELL, CELL[::-1]])
    four = np.concatenate([half, half[:, ::-1]], axis=1)
    pinwheel = np.zeros((9, 9, 3), np.uint8)  # the same first row in all four turns, but not whole
    pinwheel[0] = pinwheel[-1] = pinwheel[:, 0] = pinwheel[:, -1] = 90
    pinwheel[2, 3] = 200
    for image in (half, four, pinwheel):
        forms = [np.rot90(side, k) for side in (image, image[::-1]) for k in range(4)]
        assert len({pixel_sha256(form) for form in forms}) == 1


def test_another_picture_has_another_hash() -> None:
    one_level = CELL.copy()
    one_level[40, 40, 1] ^= 1
    others = [
        one_level,
        draw_cell(2, side=80, radius=25),
        CELL[..., ::-1],  # BGR
        encoded(CELL, "JPEG", quality=95),
        CELL[:, :40],  # cut into the cell
        np.asarray(Image.fromarray(CELL).resize((160, 160))),
        np.where(CELL.any(axis=2, keepdims=True), CELL, 255).astype(np.uint8),  # on white
        np.concatenate([CELL, CELL]),
    ]
    hashes = {pixel_sha256(CELL), *map(pixel_sha256, others)}
    assert len(hashes) == len(others) + 1


def test_the_shape_counts_beside_the_bytes() -> None:
    line = np.arange(1, 37, dtype=np.uint8)
    assert pixel_sha256(line.reshape(2, 6, 3)) != pixel_sha256(line.reshape(3, 4, 3))


@pytest.mark.parametrize("level", [0, 7, 255])
def test_an_image_of_one_color_has_none(level: int) -> None:
    image = np.full((20, 30, 3), level, np.uint8)
    assert pixel_sha256(image) == ""
    image[5:10, 5:10] = 0
    assert (pixel_sha256(image) == "") == (level == 0)
