"""Measurements of a cell, against shapes of known size, SciPy, and the same measured by OpenCV."""

import colorsys
import subprocess
import sys
from dataclasses import astuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from leukoscope.data.imaging.features import FEATURES, SPECK, measure
from leukoscope.data.imaging.foreground import RIM
from leukoscope.data.imaging.image import decode


def ellipse(height, width, half_height, half_width, top=0, left=0):
    y, x = np.mgrid[:height, :width]
    y, x = y - height / 2 - top + 0.5, x - width / 2 - left + 0.5
    return (y / half_height) ** 2 + (x / half_width) ** 2 <= 1


def painted(mask, color=(90, 40, 110), noise=0, seed=0):
    image = np.zeros((*mask.shape, 3), np.uint8)
    image[mask] = color
    if noise:
        steps = np.random.default_rng(seed).integers(-noise, noise + 1, image.shape)
        image = np.where(mask[..., None], np.clip(image + steps, 1, 255), 0).astype(np.uint8)
    return image


def test_disc_of_known_size_and_color():
    mask = ellipse(200, 200, 60, 60)
    found = measure(painted(mask))
    assert found.area == mask.sum() == pytest.approx(np.pi * 60**2, rel=0.01)
    assert (found.width, found.height) == (120, 120)
    assert found.eccentricity == pytest.approx(0, abs=0.02)
    assert found.solidity == pytest.approx(1, abs=0.02)
    assert (found.red, found.green, found.blue) == (90, 40, 110)
    hue, saturation, _ = colorsys.rgb_to_hsv(90, 40, 110)
    assert (found.hue, found.saturation) == pytest.approx((hue * 360, saturation))
    assert (found.sharpness, found.pieces, found.border) == (0, 1, 0)


def test_eccentricity_of_an_ellipse():
    found = measure(painted(ellipse(300, 300, 40, 80)))
    assert found.eccentricity == pytest.approx(np.sqrt(1 - (40 / 80) ** 2), abs=0.01)
    assert (found.width, found.height) == (160, 80)


def test_half_moon_is_not_solid():
    moon = ellipse(200, 200, 60, 60) & ~ellipse(200, 200, 50, 50, left=30)
    assert measure(painted(moon)).solidity < 0.7


def test_sharpness_is_the_variance_of_the_laplacian_inside():
    mask = ellipse(200, 200, 60, 70)
    gray = np.repeat(painted(mask, (80, 80, 80), noise=20)[..., :1], 3, axis=2)
    core = ndimage.binary_erosion(mask, np.ones((2 * RIM + 1, 2 * RIM + 1)))
    expected = ndimage.laplace(gray[..., 0].astype(float))[core].var()
    assert measure(gray).sharpness == pytest.approx(expected, rel=1e-3)


def test_pieces_count_but_specks_do_not():
    two = ellipse(200, 300, 40, 40, left=-60) | ellipse(200, 300, 30, 30, left=60)
    two[5:8, 5:8] = True
    assert measure(painted(two)).pieces == 2


def test_cut_cell_and_picture_not_on_black():
    assert 0 < measure(painted(ellipse(100, 100, 30, 30, top=40))).border < 0.5
    assert measure(painted(np.ones((50, 50), bool))).border == 1


@pytest.mark.parametrize("shape", [(450, 450, 3), (1, 1, 3)])
def test_black_image_has_no_cell(shape):
    found = measure(np.zeros(shape, np.uint8))
    assert (found.area, found.pieces, found.border) == (0, 0, 0)
    assert np.isnan(found.red)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2)])
def test_tiny_images_are_measured(shape):
    assert np.isfinite(astuple(measure(painted(np.ones(shape, bool))))).all()


@settings(max_examples=20, deadline=None)
@given(
    st.integers(20, 60),
    st.integers(20, 60),
    st.integers(0, 80),
    st.integers(0, 80),
    st.integers(0, 3),
    st.booleans(),
)
def test_place_frame_and_turn_do_not_matter(tall, wide, down, right, turns, flip):
    image = painted(ellipse(130, 130, tall, wide), noise=15)
    padded = np.pad(image, ((down, 5), (right, 3), (0, 0)))
    turned = np.rot90(padded[:, ::-1] if flip else padded, turns)
    before, after = measure(image), measure(np.ascontiguousarray(turned))
    for name in set(FEATURES) - {"width", "height"}:
        assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-4, abs=1e-3)


def measured_by_opencv(image):
    """The definitions in OpenCV terms. Of parts with one area any may count: solidity is a set."""
    mask = (image.max(axis=2) > 0).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    cell, inside = (x[top : top + height, left : left + width] for x in (image, mask))
    _, _, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    moments = cv2.moments(inside, binaryImage=True)
    spread = [[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]]
    minor, major = np.linalg.eigvalsh(spread)
    square = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    core = cv2.erode(inside, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    laplacian = cv2.Laplacian(cv2.cvtColor(cell, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    deviation = cv2.meanStdDev(laplacian, mask=core if core.any() else inside)[1]
    outlines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(map(cv2.contourArea, outlines))
    hulls = [cv2.contourArea(cv2.convexHull(o)) for o in outlines if cv2.contourArea(o) == largest]
    values = {
        "area": cv2.countNonZero(inside),
        "width": width,
        "height": height,
        "eccentricity": np.sqrt(max(0, 1 - minor / major)) if major > 0 else 0,
        "sharpness": float(deviation[0, 0] ** 2),
        "pieces": (stats[1:, cv2.CC_STAT_AREA] >= SPECK).sum(),
        **dict(zip(("red", "green", "blue"), cv2.mean(cell, inside), strict=False)),
    }
    return values, {largest / hull if hull else 1.0 for hull in hulls}


def assert_as_opencv(image):
    found = measure(image)
    values, solidities = measured_by_opencv(image)
    for name, value in values.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-6, abs=1e-6), name
    assert min(abs(found.solidity - one) for one in solidities) < 1e-12
    assert found.solidity <= 1


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 45), st.integers(1, 45), st.sampled_from([5, 20, 40, 60, 95]), st.integers(0))
def test_measures_as_opencv_does_on_any_pattern(height, width, share, seed):
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    image[random.random((height, width)) > share / 100] = 0
    image[height // 2, width // 2] = 9  # never empty
    assert_as_opencv(image)


def test_holes_and_a_piece_inside_a_hole_as_opencv_has_them():
    ring = ellipse(200, 200, 80, 80) & ~ellipse(200, 200, 50, 50)
    assert_as_opencv(painted(ring | ellipse(200, 200, 30, 30), noise=20))
    assert measure(painted(ring)).solidity == pytest.approx(1, abs=0.02)  # the hole is filled


def test_a_hostile_pattern_is_measured():
    comb = np.ones((301, 301), bool)
    comb[1::2, 1:] = comb[3::4, 0] = False
    comb[1::4, 0], comb[3::4, -1] = False, True  # one line that winds up and down
    comb[1::4, -1] = True
    assert_as_opencv(painted(comb, noise=20))
    assert_as_opencv(painted(np.indices((300, 300)).sum(axis=0) % 2 == 0))  # corners alone touch


def test_the_core_install_measures_cells():
    code = "import sys, leukoscope.data.imaging.features; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.real
def test_real_cells_measure_as_by_opencv(cnmc_dir):
    paths = sorted(cnmc_dir.rglob("*.bmp"))
    for path in paths[:: max(1, len(paths) // 60)]:
        assert_as_opencv(decode(path))
