"""Looks of images against OpenCV and NumPy on every pixel, and what their limits turn away."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from leukoscope.data.imaging.image import decode
from leukoscope.inference.rejection.image_checks import (
    MEASURES,
    STEP,
    Range,
    border_fraction,
    fit_ranges,
    image_quality,
    quality_flags,
    quality_text,
)
from tests.inference.tiny_model import cell_image, known_ranges

KNOWN = known_ranges()


def disc(radius: int, *, side: int = 450, at: tuple[int, int] = (0, 0)) -> np.ndarray:
    """A textured purple disc on black, moved from the middle by (down, right)."""
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    inside = (rows - at[0]) ** 2 + (columns - at[1]) ** 2 < radius**2
    texture = np.random.default_rng(radius).integers(-25, 26, (side, side, 1))
    image = np.array([110, 60, 130]) + texture
    return np.where(inside[..., None], image, 0).astype(np.uint8)


@pytest.mark.parametrize("radius", [40, 90, 130])
@pytest.mark.parametrize("at", [(0, 0), (30, -40)])
def test_every_fourth_pixel_says_what_all_pixels_say(radius: int, at: tuple[int, int]) -> None:
    image = disc(radius, at=at)
    found = image_quality(image)
    mask = image.max(axis=2) > 0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    assert np.exp(found["area"]) == pytest.approx(mask.sum(), rel=0.03)
    assert found["fill"] == pytest.approx(mask.sum() / box, abs=0.05)
    assert found["offset"] == pytest.approx(np.hypot(*at), abs=2 * STEP)
    color = image[mask].mean(axis=0)
    assert found["redness"] == pytest.approx(color[0] / color.sum(), abs=0.005)
    assert found["greenness"] == pytest.approx(color[1] / color.sum(), abs=0.005)
    assert np.exp(found["brightness"]) == pytest.approx(color.mean(), rel=0.02)


def test_sharpness_is_the_variance_of_opencvs_laplacian() -> None:
    image = disc(130)
    middle = slice(225 - 48, 225 + 48)
    laplacian = cv2.Laplacian(image[..., 1], cv2.CV_64F)[middle, middle][1:-1, 1:-1]
    assert np.exp(image_quality(image)["sharpness"]) == pytest.approx(laplacian.var(), rel=0.05)


def test_border_share() -> None:
    image = np.zeros((10, 20, 3), np.uint8)
    assert border_fraction(image) == 0
    image[0] = 200
    assert border_fraction(image) == pytest.approx((20 + 2) / 60)
    assert border_fraction(image + 255) == 1


def blurred(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), 12)


def half(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[::4, ::4])


def beside(image: np.ndarray) -> np.ndarray:
    return np.hypot(np.roll(image, 100, axis=1), np.roll(image, -100, axis=1)).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "flag"),
    [
        (half(cell_image()), "smaller than any known cell"),
        (disc(215), "larger than any known cell"),
        (blurred(cell_image()), "blurred"),
        (np.roll(cell_image(), 90, axis=0), "off center"),
        (np.roll(cell_image(), 190, axis=0)[:380], "cut off by the frame"),
        (beside(cell_image()), "several objects"),
        (cell_image()[..., ::-1] // [1, 2, 1], "unknown color"),
        (cell_image() // 3, "darker than any known cell"),
    ],
)
def test_what_is_odd_is_named(image: np.ndarray, flag: str) -> None:
    assert flag in quality_flags(image_quality(image.astype(np.uint8)), KNOWN)


def test_known_cells_and_others_like_them_are_not_odd() -> None:
    odd = [bool(quality_flags(image_quality(cell_image(seed)), KNOWN)) for seed in range(100, 160)]
    assert sum(odd) <= 5


def test_limits_leave_out_the_wildest_and_widen_the_rest() -> None:
    seen = [dict.fromkeys(MEASURES, float(value)) for value in range(1001)]
    seen.append(dict.fromkeys(MEASURES, 1e9))
    found = fit_ranges(seen)
    assert found.keys() == MEASURES.keys()
    for one in found.values():
        assert one.low == pytest.approx(1 - 100, abs=2)
        assert one.high == pytest.approx(1000 + 100, abs=2)
    with pytest.raises(ValueError, match="low"):
        Range(2, 1)


def test_a_measure_that_cannot_be_made_is_not_odd() -> None:
    nothing = image_quality(np.zeros((40, 40, 3), np.uint8))
    assert quality_flags(nothing, KNOWN) == ("smaller than any known cell",)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3))))
def test_any_image_can_be_looked_at(image: np.ndarray) -> None:
    found = image_quality(image)
    assert found.keys() == MEASURES.keys()
    assert set(quality_flags(found, KNOWN)) <= {flag for pair in MEASURES.values() for flag in pair}


def test_a_huge_image_is_looked_at_in_its_middle() -> None:
    wide = np.zeros((3000, 4000, 3), np.uint8)
    wide[1275:1725, 1775:2225] = cell_image()
    near, far = image_quality(cell_image()), image_quality(wide)
    assert far["area"] == pytest.approx(near["area"], abs=0.02)
    assert far["offset"] < 2 * STEP


def test_the_limits_in_words() -> None:
    assert f"{np.exp(KNOWN['area'].high):,.0f}" in quality_text(KNOWN)
    assert f"{KNOWN['offset'].high:.0f} pixels" in quality_text(KNOWN)
    assert quality_text(None) != quality_text(KNOWN)


@pytest.mark.real
def test_real_cells_are_rarely_odd_by_limits_of_other_cells(cnmc_dir: Path) -> None:
    paths = sorted(cnmc_dir.rglob("*.bmp"))
    seen = [image_quality(decode(path)) for path in paths[:: max(1, len(paths) // 600)]]
    known = fit_ranges(seen[::2])
    odd = [bool(quality_flags(one, known)) for one in seen[1::2]]
    assert np.mean(odd) < 0.02
    assert known["area"].low > 8
    assert known["offset"].high < 100
