"""Ids as people write them, and tables with two columns for one thing."""

import unicodedata

import numpy as np
import pytest

from leukoscope.core.errors import CohortError
from leukoscope.data.advice import image_ids_advice
from leukoscope.data.class_words import label_of
from leukoscope.data.cnmc.cnmc import ALL, HEM, UNKNOWN
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.data.ids import alike, alike_notes, clean_id, rounded
from leukoscope.data.options import NO_OPTIONS, reading_options
from leukoscope.data.readers.layout import read_cohort
from leukoscope.data.splits.splits import split_cohort


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            unicodedata.normalize("NFC", "M\u00fcller 7"),
            unicodedata.normalize("NFD", "M\u00fcller 7"),
        ),
        ("H10", "H10\u200b"),
        ("H10", "\ufeffH10"),
        ("A-1", "A\u20131"),
        ("H10", "H\uff11\uff10"),
        ("7", "'7"),
        ("7", "#7"),
        ("7", "7,0"),
        ("7", "Patient 7"),
        ("H7", "patient_H7"),
        ("7", "subject id 007"),
    ],
)
def test_one_id_in_two_writings_is_alike(one: str, other: str) -> None:
    assert len(alike([one, other])) == 1
    assert alike_notes([one, other])


@pytest.mark.parametrize(
    ("one", "other"),
    [("7", "H7"), ("7", "70"), ("1.5", "15"), ("donor 7", "patient 7"), ("ida", "a"), ("?!", "!?")],
)
def test_different_ids_are_not_alike(one: str, other: str) -> None:
    assert not alike([one, other])


def test_a_note_shows_what_cannot_be_seen() -> None:
    assert "\\u200b" in alike_notes(["H10", "H10\u200b"])[0]


def test_characters_of_no_width_are_neither_an_id_nor_part_of_a_label() -> None:
    assert clean_id("\u200b") == clean_id("nan\u200b") == ""
    assert label_of("ALL\u200b") == ALL


def test_one_id_for_each_image_is_remarked_on_and_warned_of() -> None:
    names = [f"{number}.bmp" for number in range(24)]
    labels = np.repeat(np.array([ALL, HEM], np.int8), 12)
    ids = make_cohort({"path": names, "label": labels, "subject": names})
    assert "ids of images" in image_ids_advice(ids)
    assert any("ids of images" in line for line in split_cohort(ids, "person").warnings)
    persons = ids.with_columns(person=[f"p{number % 8}" for number in range(24)])
    assert image_ids_advice(persons) == ""
    assert image_ids_advice(ids.select(np.arange(12))) == ""


@pytest.mark.parametrize(
    "name", ["1.23457E+11", "1,23457E+11", "1e+17", " '1.2E+15", "1.5E12", "\uff11E+11", "#####"]
)
def test_ids_in_powers_of_ten_are_rounded(name: str) -> None:
    assert rounded(["7", name]) == [name]


def test_long_numbers_are_rounded_if_all_end_in_zeros() -> None:
    cut = ["123456789012345000", "123456789012346000"]
    assert rounded(["7", *cut]) == cut
    assert not rounded([*cut, "123456789012345678"])
    assert not rounded(["7", "H10", "1.5", "12E5", "7e2", "E+11", "#7", "1234567890123450"])


def test_rounded_ids_are_remarked_on_when_read_and_when_split(tmp_path) -> None:
    rows = [f"{n}.bmp,{'ALL' if n < 6 else 'HEM'},{n % 3}.23457E+11" for n in range(12)]
    cohort = read(tmp_path, "path,label,subject", rows)
    assert sum("probably rounded" in note for note in cohort.notes) == 1
    assert any("probably rounded" in line for line in split_cohort(cohort, "person").warnings)
    persons = read(tmp_path, "path,subject,person", ["a.bmp,1,1E+11", "b.bmp,2,1E+11"])
    assert any("probably rounded" in note for note in persons.notes)


def read(folder, head: str, rows: list[str], columns: str = "") -> Cohort:
    path = folder / "cells.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return read_cohort(path, options=reading_options(columns=columns) if columns else NO_OPTIONS)


def test_a_label_that_another_column_contradicts_is_refused_or_unknown(tmp_path) -> None:
    head, swapped = "path,class,label", [f"{n}.bmp,all,0\nx{n}.bmp,hem,1" for n in range(3)]
    with pytest.raises(CohortError, match=r"6 of 6 values of the column 'class'"):
        read(tmp_path, head, swapped)
    few = read(tmp_path, head, ["a.bmp,all,1", "b.bmp,hem,0", "c.bmp,hem,1", "d.bmp,other,1"])
    assert few["label"].tolist() == [ALL, HEM, UNKNOWN, ALL]
    chosen = read(tmp_path, head, swapped, "label=class")
    assert chosen["label"].tolist() == [ALL, HEM] * 3


def test_a_choice_of_a_column_holds_when_the_table_is_read_again(tmp_path) -> None:
    chosen = read(tmp_path, "path,label,class", ["a.bmp,1,hem", "b.bmp,0,all"], "label=label")
    assert chosen["label"].tolist() == [ALL, HEM]
    assert "own_class" in chosen
    assert "class" not in chosen


def test_another_column_of_subjects_is_named_if_it_differs(tmp_path) -> None:
    head = "path,subject,patient_id"
    differs = read(tmp_path, head, ["a.bmp,s1,7", "b.bmp,s2,7"])
    assert any("--columns subject=patient_id" in note for note in differs.notes)
    same = read(tmp_path, head, ["a.bmp,s1,7", "b.bmp,s2,8"])
    assert not any("patient_id" in note for note in same.notes)
    blank = read(tmp_path, "path,label,diagnosis", ["a.bmp,,ALL", "b.bmp,,HEM"])
    assert any("--columns label=diagnosis" in note for note in blank.notes)
