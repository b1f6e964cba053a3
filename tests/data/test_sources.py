import numpy as np
import pytest

from leukoscope.core.errors import CohortError
from leukoscope.data.audit.audit import audit
from leukoscope.data.cnmc.official import official_images
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.data.sources import (
    CNMC,
    canonical,
    comparable,
    declared,
    names,
    qualified,
    row_sources,
    source_notes,
)
from tests.data.cells import draw_cell, save_cohort

FIRST = official_images()[0]
NAMED = next(image.name for image in official_images() if image.name.startswith("UID_"))


def cells(**columns: list[str]) -> Cohort:
    """An official image, one with an official name, and one of somebody."""
    table = {
        "path": ["a.png", f"cells/{NAMED}", "c.png"],
        "sha256": [FIRST.digest.hex() + "0" * 32, "ab" * 32, "cd" * 32],
        "subject": ["1", "1", "1"],
    }
    return make_cohort({**table, **columns})


def test_an_image_a_name_and_the_table_tell_the_source() -> None:
    only, either, own = frozenset({CNMC}), frozenset({CNMC, ""}), frozenset({""})
    assert row_sources(cells()) == [only, either, own]
    assert row_sources(cells(official=["", FIRST.path, ""]))[1] == only
    other = frozenset({"Lab B"})
    assert row_sources(cells(data_source=["Lab B"] * 3)) == [only, other, other]
    assert names(cells()) == [CNMC, "own data"]


def test_an_unknown_source_may_be_any_but_cnmc() -> None:
    assert comparable({""}, {""})
    assert comparable({""}, {"Lab B"})
    assert comparable({"Lab B"}, {"Lab B"})
    assert comparable({CNMC}, {CNMC, ""})
    assert not comparable({"Lab B"}, {"Lab C"})
    assert not comparable({CNMC}, {""})
    assert not comparable({CNMC}, {"Lab B"})


def test_a_shared_id_is_qualified_by_its_source() -> None:
    assert list(qualified(cells(), "subject")) == ["1", "1", "1"]  # the last may be altered
    assert ["unknown" in note for note in source_notes(cells())] == [True]
    altered = cells(data_source=["", "", "Lab B"])  # the second may be of either
    assert list(qualified(altered, "subject")) == ["1", "1", "1"]
    two = cells(path=["a.png", "b.png", "c.png"], data_source=["", CNMC, "Lab B"])
    assert list(qualified(two, "subject")) == ["1", "1", "1 (Lab B)"]
    assert ["different subjects" in note for note in source_notes(two)] == [True]
    alone = cells(subject=["1", "1", "2"])
    assert list(qualified(alone, "subject")) == ["1", "1", "2"]
    assert source_notes(alone) == []
    labs = cells(sha256=["ab" * 32] * 3, path=list("abc"), data_source=["A", "B", ""])
    assert list(qualified(labs, "subject")) == ["1", "1", "1"]  # the unknown may be either
    labs = labs.with_columns(data_source=["B", "A", "A"])
    assert list(qualified(labs, "subject")) == ["1 (B)", "1", "1"]


def test_the_audit_keeps_the_subjects_of_two_data_sets_apart(tmp_path) -> None:
    images = {f"{number}.png": draw_cell(number) for number in range(3)}
    table = save_cohort(tmp_path, images, [1, 1, 0], ["1", "1", "H1"])
    assert set(audit(table).cohort["person"]) == {"1", "H1"}
    result = audit(table.with_columns(data_source=["A", "B", "B"]))
    assert list(result.cohort["person"]) == ["1", "1 (B)", "H1"]
    assert any("several data sets" in note for note in result.notes)
    again = audit(result.cohort)
    assert list(again.cohort["person"]) == ["1", "1 (B)", "H1"]


def test_copies_link_across_data_sets(tmp_path) -> None:
    images = {"a.png": draw_cell(1), "b.png": draw_cell(1)}
    table = save_cohort(tmp_path, images, [1, 1], ["1", "1"])
    result = audit(table.with_columns(data_source=["A", "B"]))
    assert list(result.cohort["person"]) == ["1", "1"]


def test_a_declared_source_is_on_every_row() -> None:
    named = declared(cells(), " Lab  B ", "CC BY 4.0")
    assert list(named["data_source"]) == ["Lab B"] * 3
    assert list(named["data_license"]) == ["CC BY 4.0"] * 3
    unchanged = cells()
    assert declared(unchanged, None) is unchanged
    for name, license in ((" ", None), ("x" * 201, None), (None, "CC0")):
        with pytest.raises(CohortError):
            declared(cells(), name, license)


@pytest.mark.parametrize("name", ["cnmc", "C-NMC", "C_NMC 2019", "ISBI 2019 C-NMC"])
def test_cnmc_has_one_name(name: str) -> None:
    assert canonical(name) == CNMC
    assert np.all(declared(cells(), name)["data_source"] == CNMC)


def test_ids_of_one_table_that_may_be_the_same_are_one_subject() -> None:
    mixed = cells(path=["a.png", "b.png", "c.png"])  # one official image, two of unknown source
    labs = cells(path=["a.png", "b.png", "c.png"], data_source=["", "Lab B", ""])
    assert not comparable({CNMC}, {""})
    assert comparable({CNMC}, {""}, one_table=True)
    assert not comparable({CNMC}, {"Lab B"}, one_table=True)
    for cohort in (mixed, labs):
        assert list(qualified(cohort, "subject")) == ["1", "1", "1"]
        assert len(source_notes(cohort)) == 1
