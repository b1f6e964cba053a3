"""Labels and persons that can't be: what stands in a table or tree, and the line a user reads."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from leukoscope.core.errors import CohortError, SplitError
from leukoscope.data.cohort import Cohort
from leukoscope.data.readers.layout import read_cohort
from leukoscope.data.splits.splits import split_cohort


def table(folder: Path, rows: Sequence[str]) -> Cohort:
    path = folder / "cells.csv"
    path.write_text("\n".join(["path,label,subject", *rows]) + "\n", encoding="utf-8")
    return read_cohort(path)


def many(labels: str, subjects: int) -> list[str]:
    """Three cells of each subject of each class."""
    return [
        f"{label}{subject}{cell}.bmp,{label},{label}{subject}"
        for label in labels.split()
        for subject in range(subjects)
        for cell in range(3)
    ]


def test_a_label_that_is_none_is_named_with_its_line(tmp_path):
    with pytest.raises(CohortError, match=r"line 3: label 'blasto' is not known; use ALL or 1"):
        table(tmp_path, ["a.bmp,ALL,1", "b.bmp,blasto,2"])


def test_a_class_missing_is_said_by_name(tmp_path):
    with pytest.raises(SplitError, match="HEM has cells of 0 persons"):
        split_cohort(table(tmp_path, many("ALL", 9)))


def test_one_person_cannot_be_split(tmp_path):
    with pytest.raises(SplitError, match=r"ALL has cells of 1 person, and 3 subsets"):
        split_cohort(table(tmp_path, many("ALL HEM", 1)))


def test_cells_without_a_subject_are_not_split_over_persons(tmp_path):
    with pytest.raises(SplitError, match="6 labeled cells have no person"):
        split_cohort(table(tmp_path, [f"{n}.bmp,{'ALL' if n % 2 else 'HEM'}," for n in range(6)]))


def preliminary(folder: Path, rows: Sequence[str]) -> Path:
    inside = folder / "C-NMC_test_prelim_phase_data"
    inside.mkdir()
    for name in ("1.bmp", "2.bmp"):
        (inside / name).write_bytes(b"BM")
    text = "\n".join(["Patient_ID,new_names,labels", *rows]) + "\n"
    (folder / "C-NMC_test_prelim_phase_data_labels.csv").write_text(text, encoding="utf-8")
    return folder


def test_names_in_a_label_file_without_an_image_are_noted(tmp_path):
    rows = ["UID_57_22_2_all.bmp,1.bmp,1", "UID_H30_6_2_hem.bmp,77.bmp,0"]
    cohort = read_cohort(preliminary(tmp_path, rows))
    assert cohort["label"].tolist() == [1, -1]
    assert any("1 image that" in note for note in cohort.notes)
    assert any("1 image: 2.bmp" in note for note in cohort.notes)


def test_a_label_file_of_other_images_is_refused(tmp_path):
    rows = ["UID_57_22_2_all.bmp,88.bmp,1", "UID_H30_6_2_hem.bmp,77.bmp,0"]
    with pytest.raises(CohortError, match="none of the images"):
        read_cohort(preliminary(tmp_path, rows))


def test_one_name_in_two_folders_is_noted_and_both_are_kept(tmp_path):
    for folder in ("all", "hem"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cell.bmp").write_bytes(b"BM")
    cohort = read_cohort(tmp_path)
    assert sorted(cohort["label"].tolist()) == [0, 1]
    assert any("cell.bmp" in note for note in cohort.notes)
