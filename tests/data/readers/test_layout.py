"""Every way the data set is found on people's disks, and what is said of the odd ones."""

import json
import os
import shutil

import pytest
from PIL import Image

from leukoscope.core.errors import CohortError
from leukoscope.data.cohort import ALL, HEM, UNKNOWN, write_cohort
from leukoscope.data.overview.describe import describe
from leukoscope.data.readers.layout import CLASS_FOLDERS, LABEL_CONFLICT, read_cohort

LABELS = "C-NMC_test_prelim_phase_data_labels.csv"
PRELIM = "validation_data/C-NMC_test_prelim_phase_data"
FINAL = "testing_data/C-NMC_test_final_phase_data"
TRAINING = {
    "training_data/fold_0/all/UID_57_29_1_all.bmp": ("57", ALL, "0"),
    "training_data/fold_0/all/UID_57_29_10_all.bmp": ("57", ALL, "0"),
    "training_data/fold_0/all/UID_57_29_2_all.bmp": ("57", ALL, "0"),
    "training_data/fold_0/hem/UID_H10_1_1_hem.bmp": ("H10", HEM, "0"),
    "training_data/fold_1/hem/UID_h3_1_1_hem.bmp": ("h3", HEM, "1"),
    "training_data/fold_2/all/UID_6_3_1_all.bmp": ("6", ALL, "2"),
}


def draw(path, size=(45, 45)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 40, 120)).save(path)


@pytest.fixture
def official(tmp_path):
    """A small C-NMC_Leukemia with all three sets; the 1.bmp of the last two are different cells."""
    root = tmp_path / "archive" / "C-NMC_Leukemia"
    for name in TRAINING:
        draw(root / name)
    for number in (1, 2, 10):
        draw(root / PRELIM / f"{number}.bmp")
        draw(root / FINAL / f"{number}.bmp", (60, 60))
    (root / "validation_data" / LABELS).write_text(
        "Patient_ID,new_names,labels\n"
        "UID_57_22_2_all.bmp,1.bmp,1\nUID_H30_6_2_hem.bmp,2.bmp,0\nUID_58_1_1_all.bmp,10.bmp,1\n"
    )
    return root


def rows(cohort):
    root = cohort.source
    return {
        os.path.relpath(path, root): (subject, int(label), fold)
        for path, subject, label, fold in zip(
            cohort["path"], cohort["subject"], cohort["label"], cohort["fold"], strict=True
        )
    }


def test_the_official_tree(official):
    cohort = read_cohort(official)
    expected = TRAINING | {
        f"{PRELIM}/1.bmp": ("57", ALL, "prelim"),
        f"{PRELIM}/2.bmp": ("H30", HEM, "prelim"),
        f"{PRELIM}/10.bmp": ("58", ALL, "prelim"),
        **{f"{FINAL}/{n}.bmp": ("", UNKNOWN, "final") for n in (1, 2, 10)},
    }
    assert rows(cohort) == expected
    assert cohort.notes == ()
    assert list(cohort["person"]) == list(cohort["subject"])


def test_rows_are_in_the_order_of_names(official):
    names = [path.name for path in read_cohort(official).paths]
    assert names[:3] == ["1.bmp", "2.bmp", "10.bmp"]
    assert names[3:6] == [f"UID_57_29_{cell}_all.bmp" for cell in (1, 2, 10)]


def test_any_enclosing_folder_will_do(official):
    whole = set(rows(read_cohort(official)).values())
    assert set(rows(read_cohort(official.parent)).values()) == whole
    assert set(rows(read_cohort(official / "training_data")).values()) == set(TRAINING.values())
    assert set(rows(read_cohort(official / "training_data" / "fold_1")).values()) == {
        ("h3", HEM, "1")
    }
    assert set(rows(read_cohort(official / "training_data/fold_0/all")).values()) == {
        ("57", ALL, "0")
    }


def test_the_preliminary_set_alone_finds_its_labels_beside_it(official):
    cohort = read_cohort(official / PRELIM)
    assert list(cohort["subject"]) == ["57", "H30", "58"]
    assert set(cohort["fold"]) == {"prelim"}


def test_labels_from_elsewhere(official, tmp_path):
    moved = tmp_path / "elsewhere.csv"
    shutil.move(official / "validation_data" / LABELS, moved)
    bare = read_cohort(official)
    assert list(bare["label"][bare["fold"] == "prelim"]) == [UNKNOWN] * 3
    assert any("3 images have no label" in note for note in bare.notes)
    told = read_cohort(official, labels=moved)
    assert list(told["label"][told["fold"] == "prelim"]) == [ALL, HEM, ALL]
    assert list(told["label"][told["fold"] == "final"]) == [UNKNOWN] * 3


def test_two_label_files_that_differ_are_refused_and_copies_are_not(official):
    file = official / "validation_data" / LABELS
    shutil.copy(file, official / "copy.csv")
    read_cohort(official)
    (official / "copy.csv").write_text(file.read_text().replace("1.bmp,1", "1.bmp,0"))
    with pytest.raises(CohortError, match="several label files"):
        read_cohort(official)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("UID_57_22_2_all.bmp,1.bmp,0", "line 5: 1.bmp"),
        ("UID_57_22_2_all.bmp,3.bmp,leuco", "'leuco' is not known; use ALL or 1"),
        ("1,2", "line 5: 2 values"),
    ],
)
def test_a_label_file_with_a_mistake(official, line, message):
    with (official / "validation_data" / LABELS).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(CohortError, match=message):
        read_cohort(official)


def test_a_label_file_against_its_own_original_names(official):
    file = official / "validation_data" / LABELS
    file.write_text(file.read_text().replace("2.bmp,0", "2.bmp,1"))
    cohort = read_cohort(official)
    odd = cohort.select(cohort["flags"] == LABEL_CONFLICT)
    assert [path.name for path in odd.paths] == ["2.bmp"]
    assert list(odd["label"]) == [UNKNOWN]
    assert list(odd["subject"]) == ["H30"]


def test_a_table_that_is_no_label_file(official, tmp_path):
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CohortError, match=r"has the columns Patient_ID.*\(found: a, b\)"):
        read_cohort(official, labels=tmp_path / "wrong.csv")


@pytest.mark.parametrize("folder", [*CLASS_FOLDERS, "ALL", "Hem", "Normal"])
def test_a_folder_per_class_in_its_known_names(tmp_path, folder):
    draw(tmp_path / folder / "deep" / "x.png")
    cohort = read_cohort(tmp_path)
    assert list(cohort["label"]) == [CLASS_FOLDERS[folder.lower()]]
    assert list(cohort["subject"]) == [""]
    missing = "HEM" if cohort["label"][0] == ALL else "ALL"
    assert any(f"no {missing} cell" in note for note in cohort.notes)


def test_every_format_and_case_of_suffix(tmp_path):
    for suffix in ("bmp", "PNG", "jpg", "JPEG", "tif", "tiff", "webp"):
        draw(tmp_path / "all" / f"x.{suffix}")
    assert len(read_cohort(tmp_path)) == 7


def test_a_folder_around_class_folders_is_no_class(tmp_path):
    draw(tmp_path / "leukemia" / "all" / "1.png")
    draw(tmp_path / "leukemia" / "hem" / "2.png")
    assert list(read_cohort(tmp_path)["label"]) == [ALL, HEM]
    draw(tmp_path / "leukemia" / "loose.png")
    with pytest.raises(CohortError, match=r"1 image .* leukemia/ \(1\)"):
        read_cohort(tmp_path)


def test_the_final_set_below_a_folder_named_like_a_class_has_no_label(tmp_path):
    draw(tmp_path / "leukemia" / FINAL / "1.bmp")
    assert list(read_cohort(tmp_path)["label"]) == [UNKNOWN]


def test_an_unknown_class_folder_is_refused_with_what_is_known(tmp_path):
    draw(tmp_path / "all" / "1.png")
    draw(tmp_path / "normals" / "2.png")
    with pytest.raises(CohortError, match=r" normals/ \(1\)\..*all/, .*hem/, normal/"):
        read_cohort(tmp_path)


def test_images_without_any_class_are_refused(tmp_path):
    draw(tmp_path / "1.png")
    with pytest.raises(CohortError, match=r"the folder itself \(1\)"):
        read_cohort(tmp_path)


def test_images_in_one_folder_take_their_labels_from_a_table(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        draw(tmp_path / "cells" / name)
    (tmp_path / "t.csv").write_text("path,label,subject\nx/a.png,ALL,7\nb.png,hem,\nz.png,ALL,9\n")
    cohort = read_cohort(tmp_path / "cells", labels=tmp_path / "t.csv")
    assert rows(cohort) == {
        "a.png": ("7", ALL, ""),
        "b.png": ("", HEM, ""),
        "c.png": ("", UNKNOWN, ""),
    }
    assert any("1 image that" in note for note in cohort.notes)
    assert any("1 image: c.png" in note for note in cohort.notes)


def test_a_folder_against_the_name(official):
    draw(official / "training_data/fold_1/hem/UID_6_1_1_all.bmp")
    cohort = read_cohort(official)
    odd = cohort.select(cohort["flags"] == LABEL_CONFLICT)
    assert list(odd["label"]) == [UNKNOWN]
    assert list(odd["subject"]) == ["6"]
    assert any(note.startswith("1 image ") for note in cohort.notes)


def test_one_name_in_two_folders_is_kept_and_noted(tmp_path):
    for folder in ("all", "hem"):
        draw(tmp_path / folder / "x.png")
    cohort = read_cohort(tmp_path)
    assert len(cohort) == 2
    assert cohort.notes == ("1 file name occurs in more than one folder: x.png.",)


def test_clutter_and_hidden_files_are_passed_over(official):
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._1.bmp", ".cache/1.bmp"):
        path = official / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    draw(official / "__MACOSX" / "all" / "1.bmp")
    (official / "notes.txt").write_text("x")
    cohort = read_cohort(official)
    assert len(cohort) == 12
    assert cohort.notes == ("Left out: 1 file without the extension of an image (.txt).",)


def test_a_folder_named_like_an_image_is_a_folder(tmp_path):
    draw(tmp_path / "all" / "x.bmp" / "y.bmp")
    assert [path.name for path in read_cohort(tmp_path).paths] == ["y.bmp"]


def test_links_are_not_followed_out_of_the_folder(tmp_path):
    root = tmp_path / "cells"
    draw(root / "all" / "own.png")
    draw(tmp_path / "other" / "secret.png")
    (root / "all" / "inside.png").symlink_to(root / "all" / "own.png")
    (root / "all" / "outside.png").symlink_to(tmp_path / "other" / "secret.png")
    (root / "all" / "dangling.png").symlink_to(root / "nowhere.png")
    (root / "all" / "self.png").symlink_to(root / "all" / "self.png")
    (root / "all" / "loop").symlink_to(root)
    (root / "hem").symlink_to(tmp_path / "other")
    cohort = read_cohort(root)
    assert [path.name for path in cohort.paths] == ["inside.png", "own.png"]
    assert any(
        note.startswith("Not followed: 5 links to folders, or out of") for note in cohort.notes
    )
    (tmp_path / "link").symlink_to(root)
    assert len(read_cohort(tmp_path / "link")) == 2


def test_nothing_to_read(tmp_path):
    with pytest.raises(CohortError, match="no such folder or table"):
        read_cohort(tmp_path / "absent")
    with pytest.raises(CohortError, match=r"no such folder or table|cannot be read"):
        read_cohort("a\0b")
    with pytest.raises(CohortError, match="no image below this folder"):
        read_cohort(tmp_path)
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(CohortError, match=r"no image below this folder .*\(\.txt\)"):
        read_cohort(tmp_path)
    with pytest.raises(CohortError, match="give a folder of images or a table"):
        read_cohort(tmp_path / "x.txt")
    (tmp_path / "cells.tar.gz").write_bytes(b"\x1f\x8b\x08rest")
    with pytest.raises(CohortError, match="gzip archive; unpack it first"):
        read_cohort(tmp_path / "cells.tar.gz")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".CSV"])
def test_a_cohort_is_read_as_written_wherever_one_stands(official, tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(official.parent)
    cohort = read_cohort("C-NMC_Leukemia")
    assert all(path.is_absolute() for path in cohort.paths)
    write_cohort(cohort, tmp_path / f"cohort{suffix}")
    monkeypatch.chdir("/")
    again = read_cohort(tmp_path / f"cohort{suffix}")
    for name in cohort:
        assert list(again[name]) == list(cohort[name]), name
    with pytest.raises(CohortError, match="a table contains its labels"):
        read_cohort(tmp_path / f"cohort{suffix}", labels="x.csv")


def test_describe_counts(official):
    (official / FINAL / "2.bmp").write_bytes(b"BM")
    found = describe(read_cohort(official))
    assert json.loads(json.dumps(found)) == found
    assert found["cells"] == {"total": 12, "ALL": 6, "HEM": 3, "unlabeled": 3}
    assert found["subjects"] == {"total": 6, "ALL": 3, "HEM": 3}
    assert found["folds"]["prelim"] == {"ALL": 2, "HEM": 1}
    assert found["image_sizes"] == {"45x45": 9, "60x60": 2, "unreadable": 1}
    assert found["image_sizes_of"] == 12
    assert (found["audited"], found["persons"]) == (False, None)  # a subject is not a person yet


def test_persons_of_a_table_or_an_audit_are_counted(official):
    cohort = read_cohort(official)
    named = cohort.with_columns(person=["x"] * len(cohort))
    assert describe(named)["persons"]["total"] == 1
    assert not describe(named)["audited"]
    audited = describe(cohort.with_columns(cell=cohort["path"]))
    assert audited["persons"] == audited["subjects"]
    assert audited["audited"]


@pytest.mark.real
def test_the_real_images(cnmc_dir):
    cohort = read_cohort(cnmc_dir)
    assert cohort.counts() == {"ALL": 4686, "HEM": 2385}
    assert len(set(cohort["subject"][cohort["label"] == ALL])) == 30
    assert len(set(cohort["subject"][cohort["label"] == HEM])) == 15
    assert cohort.unique("fold") == ["0", "1", "2"]
    assert cohort.notes == ()
    assert describe(cohort)["image_sizes"] == {"450x450": 200}
