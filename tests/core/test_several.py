from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leukoscope.api.leakage_plan import check_choice
from leukoscope.client.upload_batches import upload_batches
from leukoscope.core.errors import SplitError
from leukoscope.core.several import several
from leukoscope.data.cohort import make_cohort
from leukoscope.data.splits.splits import split_cohort
from leukoscope.inference.sources import several_images
from leukoscope.models.recipe.recipe import read_recipe
from leukoscope.models.recipe.space import plain, read_space


@pytest.mark.parametrize("one", ["person", b"BM", bytearray(b"BM"), Path("a.bmp"), 7, 0.5, None])
def test_one_value_is_one_value(one: Any) -> None:
    assert list(several(one)) == [one]


@pytest.mark.parametrize("values", [[1, 2], (1, 2), range(1, 3), np.array([1, 2]), {1: 0, 2: 0}])
def test_several_values_are_returned_as_they_are(values: Any) -> None:
    assert list(several(values)) == [1, 2]
    assert list(several(value for value in values)) == [1, 2]


def test_an_array_of_one_image_is_one_image_and_a_stack_is_several() -> None:
    assert len(list(several_images(np.zeros((4, 4, 3), np.uint8)))) == 1
    assert len(list(several_images(np.zeros((5, 4, 4, 3), np.uint8)))) == 5


def test_a_name_and_bytes_are_one_upload(tmp_path: Path) -> None:
    assert list(upload_batches(("a.png", b"PNG"))) == [[("files", ("a.png", b"PNG"))]]
    assert next(iter(upload_batches(b"PNG"))) == [("files", ("image", b"PNG"))]


@pytest.mark.parametrize("fractions", ["0.7,0.15,0.15", "abc", 0.7, [0.7, "x", 0.3]])
def test_fractions_of_another_kind_are_one_line(fractions: Any) -> None:
    with pytest.raises(SplitError, match="give three"):
        split_cohort(make_cohort({"path": ["a"]}), fractions=fractions)


@pytest.mark.parametrize("seeds", [("0",), (0.5,), (-1,), ()])
def test_seeds_that_are_no_whole_numbers_are_one_line(seeds: Any) -> None:
    with pytest.raises(SplitError, match="seeds are"):
        check_choice(("person",), seeds, None)


def test_choices_of_a_study_may_come_in_any_sequence() -> None:
    name, recipe = "fit.batch_size", read_recipe("cnn")
    assert plain(read_space({name: (size for size in (8, 16))}, recipe)) == {name: [8, 16]}


def test_one_value_fills_a_column_of_a_cohort() -> None:
    cohort = make_cohort({"path": ["a", "b", "c"]}).with_columns(person="ann", fold="0", score=1.5)
    assert cohort["person"].tolist() == ["ann"] * 3
    assert cohort["score"].tolist() == [1.5] * 3
