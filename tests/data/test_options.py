"""A user's own classes, columns and subjects: by one rule in folders and tables."""

import numpy as np
import pytest
from PIL import Image

import leukoscope as ls
from leukoscope.core.errors import CohortError
from leukoscope.data.advice import both_classes_advice, crop_advice
from leukoscope.data.cnmc.cnmc import ALL, HEM, UNKNOWN
from leukoscope.data.cohort import make_cohort
from leukoscope.data.options import reading_options


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (9, 9, 9)).save(path)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("all=patients,hem=controls", {"patients": ALL, "controls": HEM}),
        ("Patients=ALL, Controls = normal", {"patients": ALL, "controls": HEM}),
        ("all=blast,normal=hem", {"blast": ALL, "hem": HEM}),
        ("all=0,hem=1", {"0": ALL, "1": HEM}),
        ("all=L1,all=L2,unknown=debris", {"l1": ALL, "l2": ALL, "debris": UNKNOWN}),
        ({"all": "sick"}, {"sick": ALL}),
        (None, {}),
    ],
)
def test_one_side_of_a_pair_is_the_class(given, words):
    assert reading_options(labels=given).words == words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"labels": "all=x,hem=x"}, "both classes"),
        ({"labels": "all=hem"}, "names both"),
        ({"labels": "x=y"}, "two classes"),
        ({"labels": "x"}, "not a pair"),
        ({"columns": "file=path"}, "path=file"),
        ({"subject_pattern": "(a"}, "regular expression"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_with_an_example(options, words):
    with pytest.raises(CohortError, match=words):
        reading_options(**options)


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        (r"patient_(\w+)/", "34"),
        (r"/(?P<x>ALL)/patient_(?P<subject>\d+)", "34"),
        (r"patient_\d+", "patient_34"),
        (r"nobody(\d)", ""),
    ],
)
def test_a_pattern_finds_the_subject_in_a_path(pattern, subject):
    options = reading_options(subject_pattern=pattern)
    assert options.subject_of("/data/ALL/patient_34/a_1.png") == subject


def test_folders_of_any_name_are_classes_and_subjects(tmp_path):
    picture(tmp_path / "sick" / "patient_3" / "a.png")
    picture(tmp_path / "well" / "patient_4" / "b.png")
    cohort = ls.read_cohort(tmp_path, labels="all=sick,hem=well", subject_pattern=r"patient_(\d+)")
    assert cohort.counts() == {"ALL": 1, "HEM": 1}
    assert list(cohort["subject"]) == ["3", "4"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_table_with_any_headings_and_labels_is_a_cohort(tmp_path, suffix):
    picture(tmp_path / "a.png")
    rows = {".csv": "bild,befund,wer\na.png,krank,07\n"}
    rows[".jsonl"] = '{"bild": "a.png", "befund": "krank", "wer": "07"}\n'
    (tmp_path / f"t{suffix}").write_text(rows[suffix])
    cohort = ls.read_cohort(
        tmp_path / f"t{suffix}",
        columns="path=bild,label=befund,subject=wer",
        labels={"all": "krank", "hem": "gesund"},
    )
    assert (list(cohort["label"]), list(cohort["subject"])) == ([ALL], ["07"])


def test_a_named_heading_comes_before_one_of_the_usual_name(tmp_path):
    (tmp_path / "t.csv").write_text("path,label,gold\na.png,HEM,ALL\n")
    assert list(ls.read_cohort(tmp_path / "t.csv", columns="label=gold")["label"]) == [ALL]


def test_a_heading_that_is_not_there_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("path,label\na.png,HEM\n")
    with pytest.raises(CohortError, match=r"'patient' for subject \(found: path, label\)"):
        ls.read_cohort(tmp_path / "t.csv", columns="subject=patient")


def test_more_than_two_classes_are_listed_with_the_way_to_group_them(tmp_path):
    (tmp_path / "t.csv").write_text("path,label\na.png,lymphocyte\nb.png,monocyte\nc.png,ALL\n")
    with pytest.raises(CohortError, match=r"2 unknown words.*--labels all=lymphocyte"):
        ls.read_cohort(tmp_path / "t.csv")
    grouped = ls.read_cohort(tmp_path / "t.csv", labels="hem=lymphocyte,unknown=monocyte")
    assert list(grouped["label"]) == [HEM, UNKNOWN, ALL]


def test_unknown_folders_are_named_with_the_way_to_say_their_class(tmp_path):
    picture(tmp_path / "kranke" / "a.png")
    with pytest.raises(CohortError, match="--labels all=kranke"):
        ls.read_cohort(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "both"), [(r"patient_(\w+)", True), (r"(\w+/patient_\w+)", False)]
)
def test_a_subject_with_cells_of_both_classes_is_named(tmp_path, pattern, both):
    for folder in ("ALL/patient_34", "normal/patient_34", "normal/patient_35"):
        picture(tmp_path / folder / "1.png")
    cohort = ls.read_cohort(tmp_path, subject_pattern=pattern)
    line = both_classes_advice(cohort)
    assert bool(line) == both
    assert not both or ("1 subject has" in line and "(34)" in line)


def test_a_subject_of_the_table_comes_before_the_pattern(tmp_path):
    (tmp_path / "t.csv").write_text("path,label,subject\np_1/a.png,ALL,x\np_2/b.png,ALL,\n")
    cohort = ls.read_cohort(tmp_path / "t.csv", subject_pattern=r"p_(\d)")
    assert list(cohort["subject"]) == ["x", "2"]


def test_a_cohort_that_is_read_takes_no_options(tmp_path):
    (tmp_path / "t.csv").write_text("path\na.png\n")
    with pytest.raises(CohortError, match="was read before"):
        ls.read_cohort(ls.read_cohort(tmp_path / "t.csv"), labels="all=x")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Two classes of pictures on a pale ground, of no subject."""
    folder = tmp_path_factory.mktemp("photographs")
    noise = np.random.default_rng(0)
    for number in range(4):
        image = np.full((60, 60, 3), 220, np.uint8)
        image[20:40, 20:40] = noise.integers(60, 120, (20, 20, 3))
        path = folder / ("ALL", "HEM")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


def test_info_says_at_once_what_follows_without_subjects_and_black_ground(photographs):
    notes = " ".join(ls.describe_data(photographs)["notes"])
    assert "--subject-pattern" in notes
    assert "leukoscope cells" in notes


def test_the_report_warns_of_pictures_that_are_no_cells(photographs, tmp_path):
    page = ls.report_data(photographs, tmp_path, jobs=1).read_text("utf-8")
    assert "4 of 4 images do not show one cell on a black background" in page


def test_descriptors_of_whole_pictures_are_not_trained(photographs, tmp_path):
    cohort = ls.read_cohort(photographs, subject_pattern=r"(\d)\.png")
    with pytest.raises(CohortError, match="leukoscope cells"):
        ls.train(cohort, "logistic", out=tmp_path / "run", jobs=1)
    assert not (tmp_path / "run").exists()


def test_pictures_that_are_no_cells_are_sent_to_the_command_that_cuts_them(photographs):
    predictions = ls.predict(photographs)
    assert all("leukoscope cells" in prediction.reason for prediction in predictions)


def test_cells_of_another_scale_that_the_crop_cuts_off_are_counted(tmp_path):
    for number, radius in enumerate([90, 215, 220]):
        y, x = np.mgrid[:450, :450] - 225
        image = np.zeros((450, 450, 3), np.uint8)
        image[np.hypot(y, x) < radius] = (90, 40, 100)
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    predictions = ls.predict(tmp_path)
    assert ["reaches over the crop" in one.flags for one in predictions] == [False, True, True]
    assert "2 of 3 cells extend beyond the crop" in repr(predictions)
    line = crop_advice(make_cohort({"path": sorted(map(str, tmp_path.iterdir()))}), 400)
    assert line.startswith("2 of 3 checked cells extend")
