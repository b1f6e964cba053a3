import pytest

from leukoscope.data.cnmc.official import official_images
from leukoscope.data.cohort import make_cohort
from leukoscope.training.calibration.new_card import data_source

OFFICIAL = [image.digest.hex() + "0" * 32 for image in official_images()[:2]]
OWN = ["ab" * 32, "cd" * 32]


@pytest.mark.parametrize(
    ("hashes", "name", "doi"),
    [
        (OFFICIAL, "C-NMC 2019", True),
        (OWN, "Own data", False),
        ([OFFICIAL[0], OWN[0]], "C-NMC 2019 (1 images) and own data (1 images)", True),
    ],
)
def test_only_official_files_are_named_cnmc(hashes: list[str], name: str, doi: bool) -> None:
    table = {"path": ["all/UID_1_1_1_all.bmp", "b.bmp"], "sha256": hashes, "part": ["train"] * 2}
    source = data_source(make_cohort(table), synthetic=False)
    assert source.name == name
    assert bool(source.doi) == doi
    assert ("unknown" in source.license) == (hashes != OFFICIAL)
