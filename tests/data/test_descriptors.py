"""Descriptors against shapes and textures of known measure, brute force, and symmetry."""

import hashlib
import math
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.renamed import current_names
from leukoscope.data.descriptors import DESCRIPTORS, GROUPS, NAMES, VERSION, describe, names_without
from leukoscope.data.descriptors.foreground_crop import SMALLEST, crop_foreground
from leukoscope.data.descriptors.glcm import GRAY_LEVELS, cooccurrence_matrix, haralick_measures
from leukoscope.data.descriptors.lbp import KINDS, MARGIN, NEIGHBORS, NON_UNIFORM, lbp_histogram
from leukoscope.data.descriptors.radial_profile import ANGLE, centroid, radii
from leukoscope.data.descriptors.shape import perimeter
from leukoscope.data.imaging.foreground import SPECK_LEVEL
from leukoscope.data.imaging.image import decode
from leukoscope.data.imaging.scales import smoothed
from leukoscope.data.synthetic.cell import CellParams, draw_cell
from leukoscope.data.synthetic.plan import draw_planned, plan_cohort
from tests.root import ROOT

PURPLE = (70, 30, 80)
SIDE = 200
ys, xs = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
angle = np.arctan2(ys, xs)
away = np.hypot(ys, xs)

# Of the first cell of a synthetic cohort that never changes: mean of each group's values.
GOLDEN = {
    "size": 8.293688,
    "outline": -3.639347,
    "color": 11.638916,
    "density": -0.431983,
    "texture": -2.145352,
    "cooccurrence": 1.461321,
    "patterns": 0.284307,
    "chromatin": 0.730762,
}


def painted(mask, color=PURPLE):
    image = np.zeros((*mask.shape, 3), np.uint8)
    image[mask] = color
    return image


def shaded(mask, factor):
    """A purple cell, its brightness times `factor` (a picture)."""
    return (painted(mask) * np.broadcast_to(factor, mask.shape)[..., None]).astype(np.uint8)


def drawn(seed, **params):
    return draw_cell(np.random.default_rng(seed), CellParams(**params))


def turned(image, turns, mirrored):
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if mirrored else image, turns))


def named(image):
    return dict(zip(NAMES, describe(image).tolist(), strict=True))


def test_names_are_unique_and_every_descriptor_is_explained():
    assert len(set(NAMES)) == len(NAMES) == len(DESCRIPTORS)
    assert all(one.meaning and one.unit for one in DESCRIPTORS)
    assert not set(NAMES) & set(GROUPS)


def test_the_table_of_the_documentation_is_complete():
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    table = page.partition("### What is measured")[2].partition("`leukoscope.data")[0]
    stands_for = {"CHANNEL": "(red|green|blue)", "KIND": "(pale|dark)", "K": r"\d+"}
    patterns = [
        re.sub("CHANNEL|KIND|K", lambda word: stands_for[word.group()], name)
        for name in re.findall(r"`([A-Za-z0-9_]+)`", table)
    ]
    for name in NAMES:
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name
    for pattern in patterns:
        assert any(re.fullmatch(pattern, name) for name in NAMES), pattern
    assert f"on {len(NAMES)} [measured descriptors]" in page


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 3), st.booleans(), st.integers(0, 2), st.integers(0, 2))
def test_turns_and_mirrors_change_nothing(seed, turns, mirrored, nucleoli, faults):
    image = drawn(seed, nucleoli=nucleoli, shreds=faults, bites=faults, cytoplasm=10.0 * faults)
    before, after = describe(image), describe(turned(image, turns, mirrored))
    np.testing.assert_allclose(after, before, rtol=2e-3, atol=2e-3)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.integers(-60, 60), st.integers(0, 50))
def test_place_frame_and_specks_change_nothing(seed, shift, margin):
    image = drawn(seed, shreds=1)
    moved = np.roll(np.pad(image, ((margin, 3), (0, 2 * margin), (0, 0))), shift, axis=0)
    specks = np.random.default_rng(seed).integers(0, SPECK_LEVEL + 1, moved.shape).astype(np.uint8)
    assert np.array_equal(
        describe(np.where(moved.any(axis=2)[..., None], moved, specks)), describe(image)
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (5, 6), (7, 7), (30, 2), (450, 450)])
@pytest.mark.parametrize("noise", [0, 1])
def test_whatever_is_on_it_the_values_are_finite(shape, noise):
    random = np.random.default_rng(0)
    image = random.integers(1, 256, (*shape, 3)) if noise else np.full((*shape, 3), 200)
    assert np.isfinite(describe(image.astype(np.uint8))).all()
    sparse = np.where(random.random((*shape, 1)) < 0.4, image, 0)
    assert np.isfinite(describe(sparse.astype(np.uint8))).all()


def test_without_a_cell_all_are_nought():
    assert not describe(np.zeros((450, 450, 3), np.uint8)).any()
    assert not describe(np.full((SMALLEST - 1, 1, 3), 99, np.uint8)).any()
    assert describe(np.full((SMALLEST, 1, 3), 99, np.uint8)).any()


def test_size_and_outline_of_discs_and_ellipses():
    found = named(painted(away < 60))
    assert math.exp(found["ln_area"]) == pytest.approx(math.pi * 3600, rel=0.01)
    assert math.exp(found["ln_perimeter"]) == pytest.approx(120 * math.pi, rel=0.02)
    assert max(found["ln_1_less_circularity"], found["ln_1_less_solidity"]) < -3
    assert found["ln_aspect"] == pytest.approx(0, abs=0.01)
    ellipse = named(painted((ys / 40) ** 2 + (xs / 80) ** 2 < 1))
    assert ellipse["ln_aspect"] == pytest.approx(math.log(2), abs=0.02)
    assert ellipse["ln_1_less_circularity"] > found["ln_1_less_circularity"] + 1


@pytest.mark.parametrize("size", [20, 45, 80])
def test_perimeter_of_squares_and_discs(size):
    square = np.zeros((100, 100), bool)
    square[5 : 5 + size, 5 : 5 + size] = True
    assert perimeter(square) == pytest.approx(4 * size, rel=0.08)
    assert perimeter(away < size) == pytest.approx(2 * math.pi * size, rel=0.02)


@pytest.mark.parametrize("waves", [2, 3, 5, 8])
def test_waves_of_the_outline_are_told_by_their_number(waves):
    found = named(painted(away < 60 * (1 + 0.1 * np.cos(waves * angle + 0.3))))
    amplitude = {k: math.exp(found[f"ln_harmonic_{k}"]) for k in range(1, 9)}
    assert amplitude[waves] == pytest.approx(0.1, rel=0.1)
    assert sorted(amplitude, key=amplitude.get)[-1] == waves
    assert amplitude[sorted(amplitude, key=amplitude.get)[-2]] < 0.02
    many = named(painted(away < 60 * (1 + 0.1 * np.cos(13 * angle))))
    assert math.exp(many["ln_roughness"]) == pytest.approx(0.1 / math.sqrt(2), rel=0.2)


def test_rays_reach_the_farthest_point_of_the_outline():
    mask = away < 50
    assert radii(mask, centroid(mask)) == pytest.approx(np.full(64, 50), abs=1)
    ring = mask & (away > 30)
    assert radii(ring, centroid(ring)) == pytest.approx(np.full(64, 50), abs=1)
    right = radii(mask, (99.5, 119.5))
    assert right == pytest.approx(
        -20 * np.cos(ANGLE) + np.sqrt(2500 - (20 * np.sin(ANGLE)) ** 2), abs=1
    )


def test_color_of_a_plain_and_of_a_two_colored_cell():
    disc = away < 60
    found = named(painted(disc))
    assert (found["red_mean"], found["green_mean"], found["blue_mean"]) == PURPLE
    assert found["red_skewness"] == found["density_skewness"] == 0
    assert found["density_mean"] == pytest.approx(math.log(256 / 61))
    assert found["red_green_mean"] == pytest.approx(math.log(71 / 31))
    assert found["saturation_mean"] == pytest.approx(1 - 30 / 80)
    half = painted(disc)
    half[disc & (ys > 0)] = (100, 60, 110)
    both = named(half)
    assert both["red_mean"] == pytest.approx(85)
    assert both["ln_red_deviation"] == pytest.approx(math.log(16))
    assert both["saturation_deviation"] == pytest.approx((50 / 80 - 50 / 110) / 2)


def test_a_pale_rim_shows_in_its_own_descriptors():
    disc, pale = away < 60, np.where(away > 54, 1.5, 1.0)
    found = named(shaded(disc, pale))
    assert found["rim_density"] < -0.2 < named(painted(disc))["rim_density"] == 0
    assert found["ring_5"] < found["ring_1"] - 0.05
    assert found["root_halo"] > 0.3


def test_texture_does_not_depend_on_the_lamp():
    image = drawn(5)
    darker = (image * 0.8).round().astype(np.uint8)
    before, after = named(image), named(darker)
    for name in ("ln_band_2", "ln_band_3", "ln_band_4", "ln_band_5"):
        assert after[name] == pytest.approx(before[name], abs=0.1)
    assert after["density_mean"] == pytest.approx(before["density_mean"] - math.log(0.8), abs=0.02)


@pytest.mark.parametrize(("wavelength", "band"), [(2.5, 1), (6, 2), (14, 3), (28, 4), (56, 5)])
def test_waves_of_a_length_show_most_in_the_band_of_it(wavelength, band):
    waves = 1 + 0.3 * np.sin(xs * 2 * np.pi / wavelength)
    found = named(shaded(away < 95, waves))
    bands = [found[f"ln_band_{scale}"] for scale in range(1, 6)]
    assert int(np.argmax(bands)) + 1 == band


def test_smoothing_keeps_a_plain_cell_plain_up_to_its_edge():
    mask = away < 40
    levels = smoothed(np.where(mask, np.float32(1.7), np.float32(9)), mask, 5)
    assert np.abs(levels[:, mask] - 1.7).max() < 1e-5
    assert not levels[:, ~mask].any()


def test_smoothing_spreads_a_point_as_wide_as_it_says():
    whole = np.ones((201, 201), bool)
    point = np.zeros((201, 201), np.float32)
    point[100, 100] = 1
    place = np.arange(201) - 100
    for level, width in zip(
        smoothed(point, whole, 5)[1:], (1, 2.236, 4.583, 9.22, 18.47), strict=True
    ):
        profile = level.sum(axis=0)
        assert math.sqrt(profile @ place**2 / profile.sum()) == pytest.approx(width, rel=0.01)


def pairs_one_by_one(grays, distance):
    slant = max(1, round(distance / math.sqrt(2)))
    table = np.zeros((GRAY_LEVELS, GRAY_LEVELS))
    height, width = grays.shape
    for row, column in product(range(height), range(width)):
        for down, right in ((0, distance), (distance, 0), (slant, slant), (slant, -slant)):
            if row + down < height and 0 <= column + right < width:
                one, other = grays[row, column], grays[row + down, column + right]
                if max(one, other) < GRAY_LEVELS:
                    table[one, other] += 1
                    table[other, one] += 1
    return table / max(1, table.sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.integers(0))
def test_pairs_of_grays_are_those_counted_one_by_one(height, width, distance, seed):
    grays = (
        np.random.default_rng(seed).integers(0, GRAY_LEVELS + 1, (height, width)).astype(np.int16)
    )
    assert cooccurrence_matrix(grays, distance) == pytest.approx(pairs_one_by_one(grays, distance))


def test_measures_of_pairs_by_hand():
    share = np.array([[0.4, 0.1], [0.1, 0.4]])
    assert haralick_measures(share) == pytest.approx((0.2, 0.9, math.sqrt(0.34), 0.6))
    assert haralick_measures(np.array([[1.0, 0], [0, 0]])) == (0, 1, 1, 0)
    assert haralick_measures(np.zeros((2, 2))) == (0, 0, 0, 0)


def test_kinds_of_pattern_are_the_58_uniform_ones_and_the_rest():
    assert np.bincount(KINDS).tolist() == [1, *[8] * 7, 1, 198]
    assert (KINDS[0b00011100], KINDS[0b10000001], KINDS[0b0101]) == (3, 2, NON_UNIFORM)


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 9), st.integers(3, 9), st.integers(1, 2), st.integers(0))
def test_patterns_are_those_found_pixel_by_pixel(height, width, distance, seed):
    picture = np.random.default_rng(seed).integers(0, 4, (height, width)).astype(np.float32)
    inside = np.ones((height, width), bool)
    wide, counts = np.pad(picture, distance), np.zeros(NON_UNIFORM + 1)
    for row, column in product(range(height), range(width)):
        around = [
            wide[row + distance * (1 + down), column + distance * (1 + right)]
            for down, right in NEIGHBORS
        ]
        bits = [int(value > picture[row, column] + MARGIN) for value in around]
        changes = sum(bits[i] != bits[i - 1] for i in range(8))
        counts[sum(bits) if changes <= 2 else NON_UNIFORM] += 1
    assert lbp_histogram(picture, inside, distance) == pytest.approx(counts / counts.sum())


def test_spots_are_counted_and_told_pale_from_dark():
    cell, factor = away < 90, np.ones((SIDE, SIDE))
    for row, column in ((-40, -40), (40, 40), (0, 0)):
        factor[np.hypot(ys - row, xs - column) < 7] = 1.4
    found = named(shaded(cell, factor))
    assert math.expm1(found["ln_pale_spots"]) == pytest.approx(3)
    assert found["ln_pale_strength"] > found["ln_dark_strength"] + 0.5
    assert found["root_pale"] > 0.1
    dark = named(shaded(cell, 1 / factor))
    assert math.expm1(dark["ln_dark_spots"]) == pytest.approx(3)
    assert named(painted(cell))["ln_pale_spots"] == named(painted(cell))["ln_dark_spots"] == 0


def test_the_threshold_parts_two_shades():
    found = named(shaded(away < 80, np.where(ys > 20, 1.6, 1.0)))
    assert found["otsu_dark"] == pytest.approx(np.mean(ys[away < 80] <= 20), abs=0.02)
    assert found["otsu_step"] == pytest.approx(math.log(1.6), abs=0.05)
    assert found["otsu_split"] > 0.95


def test_where_the_dark_is_shows_in_rings_sectors_and_off_center():
    cell = away < 80
    core = named(shaded(cell, np.where(away < 30, 0.7, 1.0)))
    assert core["ring_1"] > 0.2 > core["ring_4"]
    assert core["off_center"] < 0.01 > core["sector_deviation"]
    aside = named(shaded(cell, np.where(xs > 20, 0.7, 1.0)))
    assert aside["off_center"] > 0.03 < aside["sector_deviation"]
    plain = named(painted(cell))
    assert [plain[f"ring_{ring}"] for ring in range(1, 6)] == pytest.approx([0] * 5, abs=1e-4)


def test_holes_and_lesser_pieces_are_no_part_of_the_outline():
    disc = away < 60
    whole, holed = named(painted(disc)), named(painted(disc & (away > 10)))
    for name in ("ln_area", "ln_perimeter", "ln_1_less_solidity", "ln_harmonic_3"):
        assert holed[name] == whole[name]
    aside = np.hypot(ys - 80, xs - 80) < 15
    assert describe(painted(disc | aside)) == pytest.approx(describe(painted(disc)), abs=1e-5)


def test_a_blend_with_the_background_is_cut_off():
    image = painted(away < 60)
    image[(away >= 60) & (away < 62)] = np.array(PURPLE) // 3
    cell = crop_foreground(image)
    assert cell is not None
    assert np.count_nonzero(cell.mask) == np.count_nonzero(away < 60)


def test_leaving_out_by_name_and_by_group():
    kept = names_without(("size", "red_mean"))
    assert set(NAMES) - set(kept) == {"ln_area", "ln_perimeter", "red_mean"}
    assert kept == tuple(name for name in NAMES if name in kept)
    with pytest.raises(KeyError, match="weight"):
        names_without(("weight",))


def test_values_are_those_of_the_version():
    """Where this fails, the values of trained models have changed meaning: raise VERSION."""
    first = next(
        cell
        for cell in plan_cohort(persons=10, cells_per_person=12, seed=6)
        if Path(cell.path).stem == "UID_S1_1_1_all"
    )
    found = named(draw_planned(first, 6))
    means = {
        group: float(np.mean([found[one.name] for one in members]))
        for group, members in GROUPS.items()
    }
    assert VERSION == 1
    assert means == pytest.approx(GOLDEN, rel=1e-4)


def test_names_and_order_are_those_of_the_version():
    """Cached values are read by position: where this fails, raise VERSION."""
    assert VERSION == 1
    assert len(NAMES) == 117
    digest = hashlib.sha256(",".join(NAMES).encode()).hexdigest()
    assert digest.startswith("4cc7a34bd5c796e9")


def test_names_of_earlier_versions_are_read_as_the_present_ones():
    old = {"leave_out": ["off_centre", "colour"], "names": ["off_centre"]}
    read = current_names(old)
    assert read == {"leave_out": ["off_center", "color"], "names": ["off_center"]}
    assert "off_center" not in names_without(tuple(read["leave_out"]))


def test_the_core_install_describes_cells():
    code = (
        "import sys, numpy; from leukoscope.data.descriptors import describe\n"
        "describe(numpy.full((20, 20, 3), 99, numpy.uint8))\n"
        "sys.exit(bool({'cv2', 'scipy', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.real
def test_real_cells_are_described_alike_however_they_lie(cnmc_dir):
    paths = sorted(cnmc_dir.rglob("*.bmp"))
    images = [decode(path) for path in paths[:: max(1, len(paths) // 24)]]
    table = np.stack([describe(image) for image in images])
    assert np.isfinite(table).all()
    assert (table.std(axis=0) > 0).all()
    again = np.stack([describe(turned(image, 1, True)) for image in images])
    assert np.abs((again - table) / table.std(axis=0)).max() < 0.05
