"""Tables as people and their programs write them: headings, labels, ids, paths, encodings."""

import os
from pathlib import Path

import numpy as np
import pytest

from leukoscope.core.errors import CohortError
from leukoscope.data.class_words import label_of
from leukoscope.data.cnmc.cnmc import ALL, HEM, UNKNOWN, parse_name
from leukoscope.data.cohort import make_cohort, read_cohort_table
from leukoscope.data.ids import alike, clean_id
from leukoscope.data.readers.layout import read_cohort
from leukoscope.data.splits.splits import split_cohort

ROWS = "a.bmp,ALL,7\nb.bmp,HEM,8\n"


def table(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        "path,Label,Subject\n" + ROWS,
        " Path ,label , subject\n" + ROWS,
        "filename,class,patient_id\n" + ROWS,
        "Image Path,Diagnosis,Patient ID\n" + ROWS,
        "sep=,\r\npath,label,subject\r\n" + ROWS,
        "path;label;subject\n" + ROWS.replace(",", ";"),
        "sep=;\npath;label;subject\n" + ROWS.replace(",", ";"),
        "path\tlabel\tsubject\n" + ROWS.replace(",", "\t"),
        "path,label,subject,,\n" + ROWS.replace("\n", ",,\n"),
        "path,label,subject\n" + ROWS.replace("\n", ",\n"),
        "path,label,subject\n,,\n" + ROWS + ",,\n,,\n",
        "path,label,subject\n" + ROWS.replace("ALL", " all ").replace(".bmp", ".bmp "),
        ("path,label,subject\n" + ROWS).replace("\n", "\r"),
        ("path\tlabel\tsubject\n" + ROWS.replace(",", "\t")).encode("utf-16"),
        ("path,label,subject\n" + ROWS).encode("utf-16-le"),
        b"\xef\xbb\xbf" + ("path,label,subject\n" + ROWS).encode(),
    ],
)
def test_a_plain_table_is_read_whatever_program_saved_it(tmp_path, content):
    cohort = read_cohort_table(table(tmp_path, content))
    assert [path.name for path in cohort.paths] == ["a.bmp", "b.bmp"]
    assert list(cohort["label"]) == [ALL, HEM]
    assert list(cohort["subject"]) == ["7", "8"]


def test_windows_text_and_decimal_commas(tmp_path):
    text = "path;subject;p_all\nM\xfcller.bmp;J\xf6rg;0,25\nb.bmp;x;1\n"
    (tmp_path / "Müller.bmp").touch()
    cohort = read_cohort_table(table(tmp_path, text.encode("cp1252")))
    assert cohort["subject"][0] == "Jörg"
    assert cohort.paths[0] == tmp_path / "Müller.bmp"
    assert list(cohort["p_all"]) == [0.25, 1]


def test_two_headings_for_one_column_are_refused(tmp_path):
    with pytest.raises(CohortError, match=r"'class', 'target' could each be label"):
        read_cohort_table(table(tmp_path, "path,class,target\na.bmp,1,0\n"))


def test_a_workbook_is_told_the_next_step(tmp_path):
    with pytest.raises(CohortError, match="CSV UTF-8"):
        read_cohort_table(table(tmp_path, b"PK\x03\x04xyz"))


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("True", ALL),
        ("false", HEM),
        ("Blast ", ALL),
        ("normal", HEM),
        ("#N/A", UNKNOWN),
        ("-1", UNKNOWN),
        ("1.0", ALL),
        ("2", None),
        ("blasto", None),
    ],
)
def test_words_for_labels(word, label):
    assert label_of(word) == label


def test_one_and_minus_one_are_no_two_classes(tmp_path):
    with pytest.raises(CohortError, match="1 and -1"):
        read_cohort_table(table(tmp_path, "path,label\na.bmp,1\nb.bmp,-1\n"))


@pytest.mark.parametrize("word", ["nan", "NaN", "NA", "None", "unknown", " ", "#N/A", "null", "?"])
def test_words_for_nothing_are_blank_ids(word):
    assert clean_id(word) == ""


def test_ids_written_alike_are_named_and_kept_in_one_part(tmp_path):
    assert alike(["7", "007", "7.0", "H10", "h10", "70", "8"]) == [
        ["007", "7", "7.0"],
        ["H10", "h10"],
    ]
    subjects = [f"p{number}" for number in range(12)] + ["P3", "p03", "p5 "]
    subjects *= 2
    labels = np.repeat(np.array([ALL, HEM], dtype=np.int8), len(subjects) // 2)
    paths = [f"{number}.bmp" for number in range(len(subjects))]
    for seed in range(5):
        cohort = make_cohort({"path": paths, "label": labels, "subject": subjects})
        split = split_cohort(cohort, "person", seed=seed)
        assert split.parts["p3"] == split.parts["P3"] == split.parts["p03"]
        assert any("'P3'" in text and "'p03'" in text for text in split.warnings)
        assert not any("p5" in text for text in split.warnings)


def test_a_note_names_subjects_written_alike(tmp_path):
    cohort = read_cohort_table(table(tmp_path, "path,subject\na,7\nb,007\nc,7 \n"))
    assert any("'7'" in note and "'007'" in note for note in cohort.notes)
    assert cohort.unique("subject") == ["007", "7"] or cohort.unique("subject") == ["7", "007"]


def swapped(folder: Path, wrong: int, right: int) -> Path:
    lines = ["path,label"] + [f"UID_1_1_{i}_all.bmp,0" for i in range(wrong)]
    return table(folder, "\n".join(lines + [f"UID_2_1_{i}_hem.bmp,0" for i in range(right)]))


def test_swapped_class_numbers_are_refused_with_the_count(tmp_path):
    with pytest.raises(CohortError, match=r"9 of 9 names say the other class; are 0 and 1 swapped"):
        read_cohort(swapped(tmp_path, 9, 0))


def test_a_few_contradicted_labels_become_unknown(tmp_path):
    cohort = read_cohort(swapped(tmp_path, 1, 8))
    assert cohort["label"][0] == UNKNOWN
    assert cohort["flags"][0] == "label-conflict"
    assert any("1 of 9 labels" in note for note in cohort.notes)


def test_labels_are_checked_against_class_folders(tmp_path):
    lines = ["path,label"] + [f"all/{i}.bmp,0\nhem/{i}.bmp,1" for i in range(4)]
    with pytest.raises(CohortError, match="8 of 8 names"):
        read_cohort(table(tmp_path, "\n".join(lines)))


def test_swapped_class_folders_are_refused(tmp_path):
    for folder, label in (("all", "hem"), ("hem", "all")):
        (tmp_path / folder).mkdir()
        for number in range(3):
            (tmp_path / folder / f"UID_{label}1_1_{number}_{label}.bmp").touch()
    with pytest.raises(CohortError, match="6 of 6 names"):
        read_cohort(tmp_path)


def test_a_swapped_label_file_is_refused(tmp_path):
    folder = tmp_path / "C-NMC_test_prelim_phase_data"
    folder.mkdir()
    rows = []
    for number in range(1, 4):
        (folder / f"{number}.bmp").touch()
        rows.append(f"UID_1_1_{number}_all.bmp,{number}.bmp,0")
    file = tmp_path / "C-NMC_test_prelim_phase_data_labels.csv"
    file.write_text("\n".join(["Patient_ID,new_names,labels", *rows]))
    with pytest.raises(CohortError, match="3 of 3 names"):
        read_cohort(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "Patient_ID;new_names;labels\nUID_1_1_1_all.bmp;1.bmp;1\n",
        "Patient_ID,New_Names,Labels\r\nUID_1_1_1_all.bmp,1.bmp,1\r\n",
        "sep=;\nPatient_ID;new_names;labels\nUID_1_1_1_all.bmp;1.bmp;1\n",
        "Patient_ID\tnew_names\tlabels\nUID_1_1_1_all.bmp\t1.bmp\t1\n".encode("utf-16"),
    ],
)
def test_a_label_file_saved_again_by_a_spreadsheet_is_found(tmp_path, content):
    folder = tmp_path / "C-NMC_test_prelim_phase_data"
    folder.mkdir()
    (folder / "1.bmp").touch()
    table(tmp_path, content, "labels saved again.csv")
    cohort = read_cohort(tmp_path)
    assert list(cohort["label"]) == [ALL]
    assert list(cohort["subject"]) == ["1"]


@pytest.mark.parametrize("form", [r"sub\a b.bmp", "file://{}/sub/a%20b.bmp", "{}/sub/a b.bmp "])
def test_paths_in_other_forms(tmp_path, form):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a b.bmp").touch()
    cohort = read_cohort(table(tmp_path, "path\n" + form.format(tmp_path) + "\n"))
    assert cohort.paths == [tmp_path / "sub" / "a b.bmp"]
    assert not cohort.notes


def test_moved_images_are_noted_with_the_cause(tmp_path):
    cohort = read_cohort(table(tmp_path, "path\nx.bmp\ny.bmp\n"))
    assert any("2 of 2 images do not exist" in note for note in cohort.notes)


@pytest.mark.parametrize(
    "name",
    [
        "uid_7_1_2_ALL.BMP",
        "UID_7_1_2_all (1).bmp",
        "UID_7_1_2_all - Copy.bmp",
        "UID_7_1_2_all - Copy (2).bmp",
        "UID_7_1_2_all copy 2.bmp",
        "UID_7_1_2_all.bmp ",
    ],
)
def test_official_names_as_file_managers_change_them(name):
    cell = parse_name(name)
    assert cell is not None
    assert (cell.subject, cell.image, cell.cell, cell.label) == ("7", 1, 2, ALL)


def test_a_file_name_that_is_not_utf_8_survives_a_table(tmp_path):
    from leukoscope.data.cohort import write_cohort

    path = str(tmp_path) + "/n\udce9.bmp"
    for suffix in (".csv", ".jsonl"):
        write_cohort(make_cohort({"path": [path], "label": [1]}), tmp_path / f"t{suffix}")
        if suffix == ".jsonl":
            Path(path).touch()
        assert str(read_cohort_table(tmp_path / f"t{suffix}").paths[0]) == path


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_name_that_is_no_text_is_found_again_by_its_escapes(tmp_path):
    name = b"Gr\xf6\xdfe.bmp"
    (tmp_path / os.fsdecode(name)).touch()
    written = os.fsdecode(name).encode("utf-8", "backslashreplace").decode()
    cohort = read_cohort_table(table(tmp_path, f"path\n{written}\n".encode()))
    assert os.fsencode(cohort["path"][0]) == os.fsencode(tmp_path) + b"/" + name
