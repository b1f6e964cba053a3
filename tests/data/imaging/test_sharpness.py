"""The two measures of sharpness rest on one Laplacian."""

import numpy as np
import pytest
from scipy import ndimage

from leukoscope.data.imaging.sharpness import (
    CENTER_SIDE,
    LAPLACIAN,
    cell_sharpness,
    central_sharpness,
    laplacian,
    luma,
)

IMAGE = np.random.default_rng(0).integers(0, 256, (140, 130, 3), dtype=np.uint8)


def test_laplacian_is_the_convolution_with_its_kernel():
    gray = IMAGE[..., 0].astype(np.int16)
    expected = ndimage.convolve(gray.astype(float), np.array(LAPLACIAN))[1:-1, 1:-1]
    assert np.array_equal(laplacian(gray), expected)


def test_luma_is_that_of_opencv():
    cv2 = pytest.importorskip("cv2")
    assert np.array_equal(luma(IMAGE), cv2.cvtColor(IMAGE, cv2.COLOR_RGB2GRAY))


def test_cell_sharpness_is_the_variance_inside_the_mask():
    mask = np.zeros(IMAGE.shape[:2], bool)
    mask[20:100, 30:110] = True
    inside = ndimage.laplace(luma(IMAGE).astype(float))[25:95, 35:105]
    assert cell_sharpness(IMAGE, mask) == pytest.approx(inside.var())


def test_central_sharpness_is_the_log_variance_of_a_square_of_the_green_channel():
    square = IMAGE[70 - CENTER_SIDE // 2 :, 60 - CENTER_SIDE // 2 :, 1][:CENTER_SIDE, :CENTER_SIDE]
    inside = ndimage.laplace(square.astype(float))[1:-1, 1:-1]
    assert central_sharpness(IMAGE, 70, 60) == pytest.approx(np.log(inside.var()), rel=1e-5)


def test_central_sharpness_is_unknown_where_too_few_pixels_lie():
    assert np.isnan(central_sharpness(IMAGE[:2], 1, 60))
