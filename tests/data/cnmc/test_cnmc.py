"""Official file names."""

import re

import pytest

from leukoscope.data.cnmc.cnmc import ALL, FILE_NAME_PATTERN, HEM, CellName, parse_name


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("UID_57_29_10_all.bmp", CellName("57", 29, 10, ALL)),
        ("UID_H10_1_1_hem.bmp", CellName("H10", 1, 1, HEM)),
        ("UID_h3_1_1_hem", CellName("h3", 1, 1, HEM)),
        ("UID_57_29_all.bmp", None),
        ("UID_57_29_10_all.bmp\n", None),
        ("UID_57_29_\u0661_all.bmp", None),
        ("17.bmp", None),
    ],
)
def test_an_official_name_gives_subject_image_cell_and_class(name, parsed):
    assert parse_name(name) == parsed


def test_the_pattern_uses_only_syntax_that_javascript_shares():
    assert not re.search(r"\(\?(?!:)|\\[AZdwsb]", FILE_NAME_PATTERN)
