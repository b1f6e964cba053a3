"""The scale of a cohort: where it is from, and what follows where it is unknown."""

import numpy as np
import pytest
from PIL import Image

from leukoscope.data.cnmc.official import official_images
from leukoscope.data.cohort import make_cohort
from leukoscope.data.scale import Scale, scale_advice, scale_of

OFFICIAL = [image.name for image in official_images() if image.name.startswith("UID_")][:2]


def cohort(paths=("a.png", "b.png"), **columns):
    return make_cohort({"path": list(paths), **columns})


@pytest.mark.parametrize(
    ("given", "scale"),
    [
        (cohort(), Scale(None, {"unknown": 2})),
        (cohort(OFFICIAL), Scale(0.05, {"C-NMC 2019": 2})),
        (cohort(["1.bmp", "2.bmp"], fold=["prelim", "final"]), Scale(0.05, {"C-NMC 2019": 2})),
        (cohort([OFFICIAL[0], "b.png"]), Scale(None, {"C-NMC 2019": 1, "unknown": 1})),
        (cohort(um_per_px=[0.05, 0.05]), Scale(0.05, {"table": 2})),
        (cohort(um_per_px=["0.05", "?"]), Scale(None, {"table": 1, "unknown": 1})),
        (cohort(um_per_px=[0.05, 0.1]), Scale(None, {"table": 2})),
        (
            cohort(um_per_px=[0.05, np.nan], scale_from=["red cells", "unknown"]),
            Scale(None, {"red cells": 1, "unknown": 1}),
        ),
    ],
)
def test_the_scale_is_known_only_if_it_is_for_all(given, scale):
    assert scale_of(given) == scale


def test_an_unknown_or_another_scale_is_warned_of():
    assert scale_advice(cohort(OFFICIAL)) == ""
    assert scale_advice(cohort(um_per_px=[0.05, 0.054])) == ""
    assert "2 of 2 images is unknown" in scale_advice(cohort())
    assert "1 of 2 images is not that of C-NMC" in scale_advice(cohort(um_per_px=[0.05, 0.1]))


def test_official_names_give_the_scale_only_in_the_official_size(tmp_path):
    paths = []
    for side in (224, 300, 450, 600):
        paths.append(tmp_path / str(side) / OFFICIAL[0])
        paths[-1].parent.mkdir()
        Image.new("RGB", (side, side)).save(paths[-1])
    names = [str(path) for path in paths]
    assert scale_of(cohort(names)).sources == {"unknown": 3, "C-NMC 2019": 1}
    assert "3 of 4 images is unknown" in scale_advice(cohort(names))
    official = cohort(names, official=["C-NMC_Leukemia/x.bmp"] * 4)
    assert scale_of(official).sources == {"C-NMC 2019": 4}
    copies = [str(tmp_path / f"{side}.bmp") for side in (450, 600)]
    for path, side in zip(copies, (450, 600), strict=True):
        Image.new("RGB", (side, side)).save(path)
    for fold in ("prelim", "final"):
        found = scale_of(cohort(copies, fold=[fold] * 2)).sources
        assert found == {"unknown": 1, "C-NMC 2019": 1}


def test_a_scale_in_words_names_its_sources():
    assert Scale(0.05, {"red cells": 3}).text() == "0.05 µm per pixel (red cells: 3)"
    assert Scale(None, {"unknown": 3}).text() == "unknown (unknown: 3)"
    with pytest.raises(ValueError, match="above 0"):
        Scale(0.0, {})
