"""White cells of synthetic fields: found, split, measured, flagged and cut out."""

import numpy as np
import pytest

from leukoscope.core.errors import ImageError, LeukoscopeError, MissingExtraError
from leukoscope.data.imaging.foreground import nonblack_mask
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX
from leukoscope.data.smear.field import cells_of_field, guessed_scale
from leukoscope.data.smear.red_cells import RED_CELL_UM, estimate_scale, measure_red_cells
from leukoscope.data.smear.segmenters import named_segmenter
from leukoscope.data.synthetic.field import Field, FieldParams, draw_field

SCALE = 0.16


def drawn(seed: int = 0, **contents: float) -> Field:
    params = {"height": 330, "width": 430, "um_per_px": SCALE, "cells": 0, "red_cells": 8}
    return draw_field(np.random.default_rng(seed), FieldParams(**(params | contents)))


@pytest.fixture(scope="module")
def field() -> Field:
    return drawn(cells=3, pairs=1, neutrophils=1)


@pytest.fixture(scope="module")
def found(field):
    return cells_of_field(field.image, SCALE)


def number_at(cell, field):
    """The drawn cell in the middle of a found one."""
    left, top, right, bottom = cell.found.box
    return int(field.outlines[int((top + bottom) / 2), int((left + right) / 2)])


def test_every_cell_is_taken_once_and_touching_ones_are_split(found, field):
    taken = [cell for cell in found if cell.image is not None]
    assert sorted(number_at(cell, field) for cell in taken) == [1, 2, 3, 4, 5]


def test_a_cell_has_its_size(found, field):
    for cell in found:
        if cell.image is not None:
            area = np.count_nonzero(field.outlines == number_at(cell, field))
            true = 2 * np.sqrt(area / np.pi) * SCALE
            assert cell.found.diameter_um == pytest.approx(true, rel=0.12)


def test_a_cell_is_cut_out_in_the_form_and_at_the_scale_of_cnmc(found):
    for cell in found:
        if cell.image is None:
            continue
        mask = nonblack_mask(cell.image)
        assert cell.image.shape == (450, 450, 3)
        diameter = 2 * np.sqrt(np.count_nonzero(mask) / np.pi) * CNMC_UM_PER_PX
        assert diameter == pytest.approx(cell.found.diameter_um, rel=0.03)
        rows, columns = np.nonzero(mask)
        middles = [(rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2]
        assert middles == pytest.approx([224.5, 224.5], abs=8)


def test_lobes_are_one_object_and_left_out_unless_kept(found, field):
    lobed = [cell for cell in found if cell.found.left_out]
    assert [cell.found.left_out for cell in lobed] == ["lobed nucleus"]
    kept = cells_of_field(field.image, SCALE, keep=["lobed nucleus"])
    assert all(cell.image is not None for cell in kept)
    assert sum("lobed nucleus" in cell.found.flags for cell in kept) == 1


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ({"platelets": 2}, "platelet"),
        ({"dirt": 3}, "dirt"),
        ({"smudges": 1}, "smudge"),
        ({"cut": 1}, "cut by the border"),
    ],
)
def test_what_is_no_whole_cell_is_left_out_with_the_reason(contents, reason):
    objects = [cell.found for cell in cells_of_field(drawn(3, **contents).image, SCALE)]
    assert {found.left_out for found in objects} <= {reason, "platelet", "dirt"}
    assert reason in {found.left_out for found in objects}


def test_a_field_of_red_cells_has_no_white_cell():
    assert cells_of_field(drawn(red_cells=20).image, SCALE) == []


def test_a_crop_of_one_cell_is_a_field(field):
    rows, columns = np.nonzero(field.outlines == 3)
    crop = field.image[
        max(rows.min() - 12, 0) : rows.max() + 12, max(columns.min() - 12, 0) : columns.max() + 12
    ]
    assert sum(cell.image is not None for cell in cells_of_field(crop, SCALE)) >= 1


def test_without_a_scale_a_cell_keeps_its_pixels_and_says_so(field):
    cells = cells_of_field(field.image, None)
    taken = [cell for cell in cells if cell.image is not None]
    assert taken
    for cell in taken:
        assert "unknown scale" in cell.found.flags
        assert cell.found.diameter_um is None
        width = cell.found.box[2] - cell.found.box[0]
        assert np.ptp(np.nonzero(nonblack_mask(cell.image))[1]) + 1 == pytest.approx(width, rel=0.1)
    assert guessed_scale(field.image, np.array([226.0, 220, 214])) == pytest.approx(SCALE, rel=0.3)


@pytest.mark.parametrize(
    "image", [np.zeros((60, 60, 3), np.uint8), np.full((9, 9, 3), 200, np.uint8)]
)
def test_a_picture_of_one_color_is_refused(image):
    with pytest.raises(ImageError, match="one color"):
        cells_of_field(image, SCALE)


def test_a_cell_on_black_is_refused_with_the_way_on(found):
    cell = next(cell.image for cell in found if cell.image is not None)
    with pytest.raises(ImageError, match="leukoscope predict"):
        cells_of_field(cell, SCALE)


@pytest.fixture(scope="module")
def red_field() -> Field:
    """A crowded field with platelets and dirt at 0.2 µm per px."""
    contents = {"um_per_px": 0.2, "cells": 1, "red_cells": 60, "platelets": 4, "dirt": 4}
    return drawn(5, height=400, width=500, **contents)


def test_the_scale_is_estimated_from_single_red_cells(red_field):
    diameters = measure_red_cells(red_field.image)
    estimate = estimate_scale([diameters])
    assert estimate.um_per_px == pytest.approx(0.2, rel=0.06)
    assert 0.07 <= estimate.error < 0.12
    assert diameters.min() > 0.5 * RED_CELL_UM / 0.2  # no platelet, no speck
    assert np.ptp(np.log(diameters)) < np.log(1.6)  # no clump


def test_pale_red_cells_on_a_shaded_ground_are_measured_at_their_edge(red_field):
    light = red_field.image / np.array([226.0, 220.0, 214.0])
    shade = np.linspace(0.85, 1.0, light.shape[1])[None, :, None]
    pale = np.clip(210 * light**0.4 * shade, 0, 255).astype(np.uint8)
    clear, faint = (np.median(measure_red_cells(one)) for one in (red_field.image, pale))
    assert faint == pytest.approx(clear, rel=0.05)


def test_touching_red_cells_are_not_measured():
    y, x = np.mgrid[:240, :480]
    image = np.full((240, 480, 3), 220, np.uint8)
    for middle in (90, 138, 360):
        image[np.hypot(y - 120, x - middle) < 25] = (206, 146, 138)
    assert measure_red_cells(image) == pytest.approx([50], rel=0.05)


def red_cells(*sizes: float, number: int = 12) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size, 0.04 * size, number) for size in sizes]


def test_the_scale_is_the_median_of_the_fields_and_its_error_holds_their_spread():
    alike, apart = (
        estimate_scale(red_cells(*sizes)) for sizes in ([75, 76, 74], [75, 85, 67, 74, 82])
    )
    assert alike.um_per_px == pytest.approx(RED_CELL_UM / 75, rel=0.03)
    assert 0.07 <= alike.error < 0.08 < apart.error
    full = [np.full(60, 60.0), *red_cells(75, 75, 75, 76)]  # a field does not outvote the others
    assert estimate_scale(full).um_per_px == pytest.approx(RED_CELL_UM / 75, rel=0.03)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ([], "only 0 red cells"),
        ([np.full(4, 75.0)], "only 4 red cells"),
        (red_cells(75, 150), "fields differ"),
        ([np.array([20.0, 28, 40, 55, 80, 90, 120, 160])], "red cells differ"),
    ],
)
def test_few_or_contradictory_red_cells_give_no_scale(fields, problem):
    estimate = estimate_scale(fields)
    assert estimate.um_per_px is None
    assert problem in estimate.problem


def test_a_segmenter_that_is_not_installed_is_named():
    with pytest.raises(MissingExtraError, match="pip install cellpose"):
        named_segmenter("cellpose")
    with pytest.raises(LeukoscopeError, match="classical"):
        named_segmenter("magic")


def test_a_field_that_would_be_huge_at_its_scale_is_refused_before_memory_is_taken():
    image = np.full((5_000, 4_000, 3), 235, np.uint8)
    image[:10] = 90
    with pytest.raises(ImageError, match="mm of a smear"):
        cells_of_field(image, 1.0)
