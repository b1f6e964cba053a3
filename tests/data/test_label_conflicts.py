"""Labels and subjects against the official images that cells are, whatever their names."""

from pathlib import Path

import pytest

from leukoscope.core.errors import CohortError
from leukoscope.data.audit import scan
from leukoscope.data.audit.audit import audit
from leukoscope.data.cnmc.cnmc import ALL, HEM, UNKNOWN
from leukoscope.data.cnmc.copies import copies
from leukoscope.data.cnmc.identity import Identity
from leukoscope.data.cnmc.official import official_images
from leukoscope.data.cohort import Cohort, make_cohort, write_cohort
from leukoscope.data.label_conflicts import check_official, official_ids, official_name
from leukoscope.data.readers.layout import read_cohort
from tests.data.cells import draw_cell, save_cohort

TRAINING = [image.path for image in official_images() if image.name.startswith("UID_")]
BLASTS = [path for path in TRAINING if path.endswith("_all.bmp")][:4]
NORMAL = [path for path in TRAINING if path.endswith("_hem.bmp")][:1]


def neutral(labels: list[int], subjects: list[str] | None = None) -> Cohort:
    """Official images under names that say nothing: four of ALL and one of HEM."""
    paths = [f"{number}.png" for number in range(5)]
    own = [official_name(path) for path in (*BLASTS, *NORMAL)]
    subjects = subjects or [name.subject for name in own if name]
    columns = {"path": paths, "label": labels, "subject": subjects}
    return make_cohort({**columns, "official": [*BLASTS, *NORMAL]})


def test_right_labels_are_left_alone() -> None:
    cohort = neutral([ALL, ALL, ALL, UNKNOWN, HEM])
    assert check_official(cohort).columns == cohort.columns
    assert check_official(cohort).notes == ()


def test_a_contradicted_label_becomes_unknown_and_is_noted_once() -> None:
    checked = check_official(check_official(neutral([ALL, HEM, ALL, ALL, HEM])))
    assert list(checked["label"]) == [ALL, UNKNOWN, ALL, ALL, HEM]
    assert checked["flags"][1] == "label-conflict"
    assert len(checked.notes) == 1
    assert "1.png" in checked.notes[0]


def test_swapped_classes_are_refused() -> None:
    with pytest.raises(CohortError, match="5 of 5 official images"):
        check_official(neutral([HEM, HEM, HEM, HEM, ALL]))


def test_labels_of_reviewers_are_not_checked() -> None:
    cohort = neutral([HEM, HEM, HEM, HEM, ALL]).with_columns(reviewer="A")
    assert list(check_official(cohort)["label"]) == [HEM, HEM, HEM, HEM, ALL]


def test_another_subject_id_is_noted_unless_it_is_of_the_same_person() -> None:
    subjects = ["x", *neutral([UNKNOWN] * 5)["subject"][1:]]
    (note,) = check_official(neutral([UNKNOWN] * 5, subjects)).notes
    assert note.startswith("1 official image")
    assert "0.png (x, officially" in note
    copy = copies()[0]  # a training image of subject 51, in the preliminary set of 55
    known = make_cohort({"path": ["a.png"], "subject": ["55"], "official": [copy.test]})
    assert check_official(known).notes == ()


@pytest.mark.parametrize("subject", ["20", "21"])
def test_an_image_that_is_official_under_two_ids_may_have_either(subject: str) -> None:
    twice = "C-NMC_Leukemia/training_data/fold_0/all/UID_20_1_1_all.bmp"
    assert official_ids(twice) == ["20", "21"]
    cohort = make_cohort({"path": ["a.png"], "subject": [subject], "official": [twice]})
    assert check_official(cohort).notes == ()


def test_the_audit_checks_images_that_it_recognizes_by_their_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = iter([*BLASTS[:3]])

    def recognized(sha256: str, image: object) -> Identity:
        return Identity(sha256, sha256, next(official))

    images = {f"{n}.png": draw_cell(n, side=120, radius=40) for n in range(3)}
    cohort = save_cohort(tmp_path, images, [ALL, HEM, ALL], ["1", "2", "3"])
    monkeypatch.setattr(scan.Identity, "of", recognized)
    audited = audit(cohort, jobs=1).cohort
    assert list(audited["label"]) == [ALL, UNKNOWN, ALL]
    assert {name.subject for path in BLASTS[:3] if (name := official_name(path))} == {"11"}
    assert list(audited["person"]) == ["1"] * 3  # three ids of one official subject
    write_cohort(audited.with_columns(label=[ALL, HEM, ALL], flags=""), tmp_path / "cohort.csv")
    again = read_cohort(tmp_path / "cohort.csv")  # a later step reads the table of the audit
    assert list(again["label"]) == [ALL, UNKNOWN, ALL]


def test_a_data_set_without_a_cell_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("path,label,subject\n")
    with pytest.raises(CohortError, match="has no cell"):
        read_cohort(table)
