"""Ids are compared within one data set, and a data set is named only where the images show it."""

from dataclasses import replace
from typing import Any

import pytest

from leukoscope.core.values import Overlap
from leukoscope.data.cnmc.cnmc import CITATION, DOI, LICENSE
from leukoscope.data.cnmc.official import official_images
from leukoscope.inference.model_file.card import Card, DataSource
from leukoscope.inference.model_file.card_text import describe
from leukoscope.inference.model_file.hashes import pack_hashes
from leukoscope.inference.model_file.origin import (
    is_cnmc,
    known_ids,
    other_source_note,
    stated_data,
)
from tests.inference.tiny_model import tiny_card

OFFICIAL = official_images()[0].digest.hex() + "0" * 32
OWN = "ab" * 32
CNMC = DataSource("C-NMC 2019", CITATION, LICENSE, DOI)
HERE, THERE = frozenset({"C-NMC 2019"}), frozenset({""})


def card(*hashes: str, **training: Any) -> Card:
    known = replace(tiny_card().training, hashes=pack_hashes(hashes), **training)
    return tiny_card(training=known, data=CNMC)


@pytest.mark.parametrize(
    ("own", "cells", "shared"),
    [
        ({"C-NMC 2019": ("1", "H2")}, HERE, True),
        ({"C-NMC 2019": ("1", "H2")}, THERE, False),
        ({"C-NMC 2019": ("1", "H2")}, frozenset({"Lab B"}), False),
        ({"C-NMC 2019": ("1", "H2")}, HERE | THERE, True),  # only the file name says C-NMC
        ({"": ("1",)}, THERE, True),
        ({"": ("1",)}, frozenset({"Lab B"}), True),
        ({"": ("1",)}, HERE, False),
        ({"Lab B": ("1",)}, frozenset({"Lab B"}), True),
        ({"Lab B": ("1",)}, frozenset({"Lab C"}), False),
        ({"C-NMC 2019": ("9",), "": ("1",)}, HERE, False),
    ],
)
def test_ids_are_compared_within_one_data_set(
    own: dict[str, tuple[str, ...]], cells: frozenset[str], shared: bool
) -> None:
    model = card(OWN, sources=own)
    found = model.overlap(["1", "77"], ["01", "77"], ["", ""], None, [cells, cells])
    assert found == (Overlap(("01",), ("1",)) if shared else Overlap())
    assert len(other_source_note(model, ["1", "77"], [cells, cells])) == (not shared)
    # Images are compared whatever their source.
    assert model.overlap(["1"], ["1"], [OWN], None, [cells]).hashes == 1


def test_an_old_card_is_of_cnmc_as_far_as_its_images_are_official() -> None:
    assert set(known_ids(card(OFFICIAL))) == {"C-NMC 2019"}
    assert set(known_ids(card(OFFICIAL, OWN))) == {"C-NMC 2019", ""}
    assert set(known_ids(card(OWN))) == {"C-NMC 2019", ""}  # an early version named it for any
    assert set(known_ids(replace(card(OWN), data=tiny_card().data))) == {""}


def test_cnmc_is_stated_only_where_images_are_official() -> None:
    for model in (card(OFFICIAL), card(OWN, sources={"C-NMC 2019": ("1",)})):
        assert is_cnmc(model)
        assert stated_data(model) == CNMC
    false = card(OWN)
    assert not is_cnmc(false)
    assert stated_data(false).doi == ""
    shown = dict(describe(false))["Data"]
    assert "Gupta" not in shown
    assert "license unknown" in shown
    mixed = replace(card(OFFICIAL, OWN), data=replace(CNMC, name="C-NMC 2019 (1 image) and ..."))
    assert not is_cnmc(mixed)
