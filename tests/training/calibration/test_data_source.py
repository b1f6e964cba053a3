import pytest

from leukoscope.data.cnmc.official import official_images
from leukoscope.data.cohort import make_cohort
from leukoscope.training.calibration.new_card import data_source, ids_by_source

OFFICIAL = [image.digest.hex() + "0" * 32 for image in official_images()[:2]]
OWN = ["ab" * 32, "cd" * 32]


@pytest.mark.parametrize(
    ("hashes", "name", "doi"),
    [
        (OFFICIAL, "C-NMC 2019", True),
        (OWN, "Own data", False),
        ([OFFICIAL[0], OWN[0]], "C-NMC 2019 (1 image) and own data (1 image)", True),
    ],
)
def test_only_official_files_are_named_cnmc(hashes: list[str], name: str, doi: bool) -> None:
    table = {"path": ["all/UID_1_1_1_all.bmp", "b.bmp"], "sha256": hashes, "part": ["train"] * 2}
    source = data_source(make_cohort(table), synthetic=False)
    assert source.name == name
    assert bool(source.doi) == doi
    assert ("unknown" in source.license) == (hashes != OFFICIAL)


@pytest.mark.parametrize(
    ("hashes", "names", "expected"),
    [
        (OWN, ["Lab B", "Lab B"], ("Lab B", "no citation known", "CC0", "")),
        (OWN, ["Lab B", ""], ("Lab B (1 image) and own data (1 image)", None, None, "")),
        (OFFICIAL, ["Lab B", "Lab B"], ("C-NMC 2019", None, "CC BY 3.0", None)),
        (OWN, ["cnmc", "C-NMC"], ("C-NMC 2019 as stated (not the official files)", None, None, "")),
    ],
)
def test_a_stated_source_is_named_but_images_say_more(
    hashes: list[str], names: list[str], expected: tuple[str | None, ...]
) -> None:
    table = {"path": ["a.bmp", "b.bmp"], "sha256": hashes, "part": ["train"] * 2}
    stated = {"data_source": names, "data_license": ["CC0" if name else "" for name in names]}
    source = data_source(make_cohort({**table, **stated}), synthetic=False)
    found = (source.name, source.citation, source.license, source.doi)
    assert [a for a, b in zip(found, expected, strict=True) if b is not None] == [
        b for b in expected if b is not None
    ]


def test_the_card_holds_the_ids_of_each_data_set() -> None:
    table = {
        "path": ["a.bmp", "b.bmp", "c.bmp"],
        "sha256": [*OFFICIAL[:1], *OWN],
        "subject": ["1", "2", "3"],
        "person": ["1", "1", "3"],
        "data_source": ["", "Lab B", ""],
    }
    assert ids_by_source(make_cohort(table)) == {
        "": ("3",),
        "C-NMC 2019": ("1",),
        "Lab B": ("1", "2"),
    }
