"""From bytes to the fixed-scale crop: the same cell has the same size whatever frame it came in."""

import contextlib
import io
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.foreground import nonblack_mask
from leukoscope.data.imaging.image import (
    Crop,
    center,
    decode,
    fixed_scale_crop,
    read_cell,
)
from tests.inference.bad_images import BROKEN, UNUSUAL, encode


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def disc(frame, radius, dy=0, dx=0):
    y, x = np.mgrid[:frame, :frame] - (frame - 1) / 2
    inside = (y - dy) ** 2 + (x - dx) ** 2 <= radius**2
    return np.where(inside[..., None], (150, 70, 160), 0).astype(np.uint8)


@pytest.mark.parametrize("kind", ["BMP", "PNG", "TIFF"])
def test_lossless_formats_give_the_pixels(tmp_path, kind):
    image = noise(31, 17)
    (tmp_path / "x").write_bytes(encode(image, kind))
    assert np.array_equal(decode(tmp_path / "x"), image)
    assert np.array_equal(decode(str(tmp_path / "x")), image)
    assert np.array_equal(decode(encode(image, kind)), image)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_image_is_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BROKEN[name]())
    with pytest.raises(ImageError) as caught:
        decode(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_image_is_rgb(name):
    image = decode(UNUSUAL[name]())
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zero bytes.bmp", r"empty \(0 bytes\)"),
        ("truncated.bmp", r"truncated \(5000 bytes\)"),
        ("huge header.bmp", "larger than a single cell; crop the cell first"),
        ("sixteen bits.png", "more than 8 bits per channel"),
        ("cmyk.jpg", "CMYK"),
        ("animated.webp", "several images"),
        ("text.png", "not an image this program reads"),
    ],
)
def test_the_line_says_what_is_wrong(name, message):
    with pytest.raises(ImageError, match=message):
        decode(BROKEN[name]())


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_color_of_16_bits_is_refused_not_cut(suffix):
    cv2 = pytest.importorskip("cv2")
    deep = cv2.imencode(suffix, noise(20, 20).astype(np.uint16) * 200)[1].tobytes()
    with pytest.raises(ImageError, match="more than 8 bits per channel"):
        decode(deep)


def test_what_is_no_file(tmp_path):
    folder = tmp_path / "x.bmp"
    folder.mkdir()
    with pytest.raises(ImageError, match="a folder, not an image"):
        decode(folder)
    with pytest.raises(ImageError, match="no such file"):
        decode(tmp_path / "absent.bmp")
    with pytest.raises(ImageError, match="cannot be read"):
        decode("a\0b")
    os.mkfifo(tmp_path / "pipe.bmp")
    with pytest.raises(ImageError, match="not a regular file"):
        decode(tmp_path / "pipe.bmp")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "x.bmp"
    path.write_bytes(encode(noise(4, 4)))
    path.chmod(0)
    with pytest.raises(ImageError, match="Permission denied"):
        decode(path)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["BMP", "PNG", "JPEG", "TIFF", "WEBP", ""]))
def test_whatever_the_bytes_it_is_an_image_or_one_line(tail, kind):
    head = encode(noise(6, 6), kind)[:60] if kind else b""
    with contextlib.suppress(ImageError):
        image = decode(head + tail, max_pixels=10_000)
        assert image.dtype == np.uint8
        assert image.shape[2] == 3


def test_the_limit_of_pixels_is_the_callers():
    content = encode(noise(30, 40))
    assert decode(content, max_pixels=1200).shape == (30, 40, 3)
    with pytest.raises(ImageError, match="40 x 30 pixels is more than"):
        decode(content, max_pixels=1199)


def test_transparency_is_laid_on_black():
    rgba = np.dstack([np.full((4, 4, 3), 200, np.uint8), np.tile([0, 64, 128, 255], (4, 1))])
    buffer = io.BytesIO()
    Image.fromarray(rgba.astype(np.uint8)).save(buffer, "PNG")
    assert decode(buffer.getvalue())[0, :, 0] == pytest.approx([0, 50, 100, 200], abs=1)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60))
def test_center_keeps_the_middle_and_pads_with_black(height, width, side):
    image = noise(height, width) | 1  # no black pixel in it
    square = center(image, side)
    assert square.shape == (side, side, 3)
    # Independently: pad far enough on all sides, then cut.
    padded = np.pad(image, ((100, 100), (100, 100), (0, 0)))
    top, left = 100 + (height - side) // 2, 100 + (width - side) // 2
    assert np.array_equal(square, padded[top : top + side, left : left + side])
    assert np.count_nonzero(square.any(axis=2)) == min(height, side) * min(width, side)


@pytest.mark.parametrize("crop", [Crop(400, 100), Crop(400, 200), Crop(400, 256), Crop(300, 224)])
def test_450_and_600_pixel_frames_give_cells_of_one_size(crop):
    small, large = (disc(frame, 100) for frame in (450, 600))
    assert np.array_equal(fixed_scale_crop(small, crop), fixed_scale_crop(large, crop))
    area = nonblack_mask(fixed_scale_crop(large, Crop(400, 400))).sum()
    assert area == nonblack_mask(large).sum()


@pytest.mark.parametrize("ratio", [1, 2, 3, 4])
def test_a_whole_ratio_is_the_mean_of_blocks(ratio):
    image = noise(24 * ratio, 24 * ratio)
    small = fixed_scale_crop(image, Crop(24 * ratio, 24))
    blocks = image.reshape(24, ratio, 24, ratio, 3).mean(axis=(1, 3))
    assert np.abs(small - blocks).max() <= 1  # Pillow rounds after each axis


@pytest.mark.parametrize("crop", [Crop(400, 256), Crop(380, 224), Crop(450, 128)])
def test_any_ratio_keeps_brightness_center_and_no_ringing(crop):
    image = disc(450, 90, dy=20, dx=-10)
    small = fixed_scale_crop(image, crop).astype(float)
    seen = center(image, crop.crop).astype(float)
    assert small.mean() == pytest.approx(seen.mean(), rel=0.005)
    assert small.max() <= seen.max()
    scale = crop.crop / crop.size
    for axis in (0, 1):
        weights = small.sum(axis=(1 - axis, 2))
        place = (np.arange(crop.size) + 0.5) @ weights / weights.sum() * scale
        expected = crop.crop / 2 + (20, -10)[axis]
        assert place == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize(("crop", "size"), [(0, 0), (100, 0), (100, 200), (5000, 100)])
def test_a_crop_that_makes_no_sense(crop, size):
    with pytest.raises(ValueError, match="expected 1 <= size <= crop <= 4096"):
        Crop(crop, size)


@pytest.mark.real
def test_real_cells_fit_the_crop_whole(cnmc_dir):
    paths = sorted(cnmc_dir.rglob("*.bmp"))[::700]
    for path in paths:
        image = decode(path)
        assert image.shape == (450, 450, 3)
        assert 0.02 < nonblack_mask(image).mean() < 0.6
        assert np.array_equal(
            read_cell(path, Crop(400, 100)), fixed_scale_crop(image, Crop(400, 100))
        )
