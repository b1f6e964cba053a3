"""Cells and fitted models of which nothing can come; the exporter is not blamed for them."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leukoscope.core.errors import ParityError, TrainingError
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.training import plausible
from leukoscope.training.plausible import check_cells_differ, check_converged

CROP = Crop(crop=40, size=20)


def written(folder: Path, images: list[np.ndarray]) -> list[Path]:
    paths = [folder / f"{number}.bmp" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


@pytest.mark.parametrize("level", [0, 100, 255])
def test_images_of_one_color_are_named(tmp_path: Path, level: int) -> None:
    images = [np.full((50, 50, 3), level, np.uint8) for _ in range(5)]
    for number, image in enumerate(images):
        image[0, 0] = number  # files of their own
    with pytest.raises(TrainingError, match="all alike"):
        check_cells_differ(written(tmp_path, images), CROP, "cells")


def test_images_that_differ_are_accepted_and_missing_ones_are_not_looked_at(tmp_path: Path) -> None:
    images = [np.full((50, 50, 3), level, np.uint8) for level in (100, 110, 120)]
    check_cells_differ([tmp_path / "gone.bmp", *written(tmp_path, images)], CROP, "cells")
    check_cells_differ([tmp_path / "gone.bmp"], CROP, "cells")


@pytest.mark.parametrize("differs", [1, 3])
@pytest.mark.parametrize(("by", "accepted"), [(3, True), (2, False)])
def test_the_mean_of_those_that_can_be_read_decides(
    differs: int, by: int, accepted: bool, tmp_path: Path
) -> None:
    images = [np.full((50, 50, 3), 100, np.uint8) for _ in range(5)]
    images[differs] += np.uint8(by)
    paths = [*written(tmp_path, images), tmp_path / "gone.bmp"]
    with nullcontext() if accepted else pytest.raises(TrainingError, match="all alike"):
        check_cells_differ(paths, CROP, "cells")


def test_no_more_is_read_than_what_shows_that_cells_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def reading(path: Path, crop: Crop) -> np.ndarray:
        read.append(path)
        return read_cell(path, crop)

    monkeypatch.setattr(plausible, "read_cell", reading)
    images = [np.full((50, 50, 3), level, np.uint8) for level in (100, 150, 100, 100)]
    paths = written(tmp_path, images)
    check_cells_differ(paths, CROP, "cells")
    assert read == paths[:2]


@pytest.mark.parametrize("logit", [[1e6, -1.0], [np.nan, 0.0], [np.inf, 0.0], [-1e30]])
def test_a_diverged_model_is_named(logit: list[float]) -> None:
    with pytest.raises(TrainingError, match=r"diverged.*learning_rate") as caught:
        check_converged(np.array(logit), "run/model.onnx")
    assert not isinstance(caught.value, ParityError)


def test_usual_logits_are_accepted() -> None:
    check_converged(np.array([-40.0, 0.0, 35.0]), "run/model.onnx")
    check_converged(np.array([]), "run/model.onnx")
