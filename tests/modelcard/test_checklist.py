"""Every item of both checklists stands there once, and is answered, or said not to be."""

from dataclasses import replace

import pytest

from leukoscope.data.cnmc.official import official_images
from leukoscope.inference.model_file.hashes import pack_hashes
from leukoscope.modelcard.blocks import Table, to_markdown
from leukoscope.modelcard.checklist import Item, answer, filled, read_checklist
from leukoscope.modelcard.facts import CardSource, facts
from leukoscope.modelcard.outcomes import Fact
from tests.inference.model_file.test_origin import CNMC
from tests.inference.tiny_model import tiny_card
from tests.modelcard.test_page import measured
from tests.root import ROOT

PARTS_OF_TRIPOD = {3: 3, 5: 2, 6: 3, 8: 3, 9: 3, 12: 7, 18: 6, 20: 3, 23: 2, 27: 3}
"""Items of TRIPOD+AI that have parts, a, b and so on, and how many."""
DOCS = ROOT / "docs"


def subject(**changes: object) -> CardSource:
    return CardSource(tiny_card(**changes), measured())


def test_claim_has_its_44_items_in_order() -> None:
    assert [item.number for item in read_checklist("claim").items] == [
        str(number) for number in range(1, 45)
    ]


def test_tripod_has_its_27_items_in_52_parts() -> None:
    wanted: list[str] = []
    for number in range(1, 28):
        parts = PARTS_OF_TRIPOD.get(number, 0)
        wanted += [f"{number}{letter}" for letter in "abcdefg"[:parts]] or [str(number)]
    assert [item.number for item in read_checklist("tripod").items] == wanted
    assert len(wanted) == 52


@pytest.mark.parametrize("name", ["claim", "tripod"])
def test_each_item_can_be_answered_and_points_to_what_is_there(name: str) -> None:
    known = facts(subject())
    for item in read_checklist(name).items:
        assert item.asks
        assert item.facts or item.says or item.data or item.lacks, item.number
        assert set(item.facts) <= known.keys(), item.number
        if item.see.startswith("docs/"):
            assert (DOCS / item.see.removeprefix("docs/")).is_file(), item.see


def test_what_a_file_alone_does_not_hold_is_said() -> None:
    item = Item("1", "numbers", facts=("metrics", "persons"))
    whole = answer(item, facts(subject()), cnmc=False)
    assert whole.state == "answered"
    assert "report.json: persons" in whole.source
    alone = answer(item, facts(CardSource(tiny_card())), cnmc=False)
    assert alone.state == "partly"
    assert "AUROC 0.900" in alone.text
    assert "Not answered: persons (in the report of a run" in alone.text


def test_states() -> None:
    known = {"name": Fact("tiny", "card: name")}
    assert answer(Item("1", "x", says="y"), known, cnmc=False).state == "answered"
    assert answer(Item("1", "x", says="y", lacks="z"), known, cnmc=False).state == "partly"
    lacking = answer(Item("1", "x", lacks="z"), known, cnmc=False)
    assert (lacking.state, lacking.text) == ("not answered", "Not answered: z.")


def test_what_is_known_of_cnmc_is_not_said_of_other_data() -> None:
    item = Item("13", "acquisition", data="one laboratory")
    assert "one laboratory" in answer(item, {}, cnmc=True).text
    other = answer(item, {}, cnmc=False)
    assert other.state == "not answered"
    assert "one laboratory" not in other.text


def test_the_page_has_a_row_for_each_entry_and_counts_them() -> None:
    hashes = pack_hashes([official_images()[0].digest.hex() + "0" * 32])
    official = replace(tiny_card().training, hashes=hashes)
    page = filled(subject(training=official, data=CNMC))
    rows = [row for block in page.blocks if isinstance(block, Table) for row in block.rows]
    assert len(rows) == 44 + 52
    text = to_markdown(page)
    states = [row[2] for row in rows]
    assert f"Of 44 entries: {states[:44].count('answered')} answered" in text
    assert f"Of 52 entries: {states[44:].count('answered')} answered" in text
    assert ".." not in text
