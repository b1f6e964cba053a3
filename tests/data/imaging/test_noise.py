"""Compression leaves noise on the black around a cell; decoding removes it."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from leukoscope.data.descriptors import describe
from leukoscope.data.imaging.foreground import LIT, nonblack_mask
from leukoscope.data.imaging.image import Crop, decode, read_cell
from leukoscope.data.imaging.noise import REACH, without_noise
from tests.data.cells import draw_cell
from tests.inference.bad_images import encode

LOSSY = [
    *(("JPEG", {"quality": quality}) for quality in (75, 90, 95, 100)),
    ("JPEG", {"quality": 100, "subsampling": 0}),
    *(("WEBP", {"quality": quality}) for quality in (80, 95)),
]


def faint_rim(seed: int = 0) -> np.ndarray:
    """A cell with faint pixels at its rim, as many lossless images have."""
    image = draw_cell(seed, side=160, radius=50).copy()
    mask = nonblack_mask(image)
    edge = mask & ~np.roll(mask, 1, axis=0)
    image[edge] = (5, 3, LIT - 1)
    return image


@pytest.mark.parametrize(("kind", "options"), LOSSY)
def test_a_lossy_copy_has_the_cell_and_the_black_of_its_original(kind, options):
    cell = draw_cell(0)
    noisy = np.asarray(Image.open(io.BytesIO(encode(cell, kind, **options))).convert("RGB"))
    copy = decode(encode(cell, kind, **options))
    mask = nonblack_mask(cell)
    assert nonblack_mask(noisy).sum() > 1.01 * mask.sum()
    assert nonblack_mask(copy).sum() == pytest.approx(mask.sum(), rel=0.03)
    assert (nonblack_mask(copy) != mask).mean() < 0.01


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_a_lossy_copy_saved_again_without_loss_is_still_recognized(kind):
    noisy = np.asarray(Image.open(io.BytesIO(encode(draw_cell(0, 160, 50), "JPEG", quality=90))))
    assert np.array_equal(decode(encode(noisy, kind)), decode(encode(noisy, "PNG")))
    assert nonblack_mask(decode(encode(noisy, kind))).sum() < 0.95 * nonblack_mask(noisy).sum()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_a_lossless_image_keeps_its_faint_rim(kind):
    image = faint_rim()
    assert without_noise(image) is image
    assert np.array_equal(decode(encode(image, kind)), image)


def test_faint_places_inside_the_cell_stay():
    image = np.zeros((60, 60, 3), np.uint8)
    image[10:50, 10:50] = 100
    image[25:35, 25:35] = 5
    image[10, 10:50] = 5
    assert without_noise(image) is image
    image[55, 55] = 3
    clean = without_noise(image)
    assert not clean[55, 55].any()
    assert not clean[10].any()
    assert np.array_equal(clean[11:50, 10:50], image[11:50, 10:50])


def test_one_faint_pixel_counts_as_noise_only_beyond_reach_of_lit_ones():
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:20, 10:20] = 100
    image[20 + REACH - 1, 15] = 9
    assert without_noise(image) is image
    image[20 + REACH, 15] = 9
    assert np.array_equal(nonblack_mask(without_noise(image)), image[..., 0] == 100)


@given(st.integers(0, 2**30), st.sampled_from([2, 20, 40]))
@settings(deadline=None, max_examples=50)
def test_it_only_blackens_faint_pixels_and_only_once(seed, top):
    image = np.random.default_rng(seed).integers(0, top, (17, 15, 3), dtype=np.uint8)
    clean = without_noise(image)
    changed = (clean != image).any(axis=2)
    assert not clean[changed].any()
    assert (image[changed] < LIT).all()
    assert np.array_equal(without_noise(clean), clean)


@given(st.integers(0, 2**30), st.integers(0, 12))
@settings(deadline=None, max_examples=50)
def test_black_around_an_image_changes_nothing(seed, margin):
    random = np.random.default_rng(seed)
    image = np.zeros((25, 25, 3), np.uint8)
    image[8:17, 8:17] = random.integers(0, 255, (9, 9, 3), dtype=np.uint8)
    image[tuple(random.integers(REACH, 25 - REACH, 2))] = 9
    around = ((margin, margin), (margin, margin), (0, 0))
    assert np.array_equal(
        without_noise(np.pad(image, around)), np.pad(without_noise(image), around)
    )


def test_descriptors_of_a_lossy_copy_are_near_those_of_its_original(tmp_path):
    cell, crop = draw_cell(1, side=200, radius=60), Crop(200, 200)
    values = []
    for name, options in (("a.png", {}), ("a.jpg", {"quality": 95})):
        Image.fromarray(cell).save(tmp_path / name, **options)
        values.append(describe(read_cell(tmp_path / name, crop))[0])
    assert values[1] == pytest.approx(values[0], rel=0.02)


@pytest.mark.real
def test_no_official_image_is_changed(cnmc_dir):
    for path in sorted(cnmc_dir.rglob("*.bmp"))[::100]:
        image = np.asarray(Image.open(path).convert("RGB"))
        assert without_noise(image) is image
