"""Options that cannot act are refused or named, by every reader."""

import pytest
from PIL import Image

import leukoscope as ls
from leukoscope.core.errors import CohortError
from leukoscope.data.options import reading_options
from leukoscope.inference.sources import list_images


@pytest.fixture
def cells(tmp_path):
    """Two cells in class folders and a table of them with headings of its own."""
    for name in ("ALL/p_1/a.png", "HEM/p_2/b.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        Image.new("RGB", (4, 4), (9, 9, 9)).save(path)
    text = "my file,befund,patient no\nALL/p_1/a.png,krank,7\nHEM/p_2/b.png,gesund,8\n"
    (tmp_path / "t.csv").write_text(text)
    return tmp_path


OWN = {
    "columns": "path=my file,label=befund,subject=patient no",
    "labels": "all=krank,hem=gesund",
}


@pytest.mark.parametrize("read", [ls.read_cohort, ls.predict])
def test_headings_of_a_folder_are_refused(cells, read):
    with pytest.raises(CohortError, match="leave out --columns"):
        read(cells / "ALL" if read is ls.predict else cells, columns="subject=patient no")


@pytest.mark.parametrize("read", [ls.read_cohort, ls.predict])
def test_a_pattern_that_finds_no_subject_is_refused(cells, read):
    with pytest.raises(CohortError, match=r"finds no subject in 2 paths, such as .*a\.png"):
        read(cells, subject_pattern=r"patient_(\d+)")


def test_cells_refuses_a_pattern_before_any_work(cells):
    with pytest.raises(CohortError, match="finds no subject in 2 paths"):
        ls.cells(cells, out=cells / "out", subject_pattern="nobody")
    assert not (cells / "out").exists()


def test_an_option_that_changes_nothing_is_named(cells, caplog):
    ls.read_cohort(cells / "t.csv", subject_pattern=r"p_(\d)", **OWN)
    assert "--subject-pattern is not used" in caplog.text
    ls.read_cohort(cells, labels="all=krank")
    assert "--labels is not used" in caplog.text


def test_an_option_that_acts_on_a_part_is_silent(cells, caplog):
    ls.read_cohort(cells, labels="all=krank,hem=HEM", subject_pattern=r"p_(1)")
    assert caplog.text == ""


def test_predict_reads_a_table_with_headings_and_labels_of_its_own(cells):
    predictions = ls.predict(cells / "t.csv", **OWN)
    assert [one.subject for one in predictions] == ["7", "8"]


def test_predict_finds_subjects_in_paths_after_official_names(cells):
    official = cells / "ALL" / "p_1" / "UID_57_1_1_all.bmp"
    Image.new("RGB", (4, 4), (9, 9, 9)).save(official)
    listed = list_images([cells / "ALL"], reading_options(subject_pattern=r"p_(\d)"))
    assert [source.subject for source in listed] == ["", "1"]


def test_a_table_without_subjects_is_told_its_heading_as_an_option(cells):
    cohort = ls.read_cohort(cells / "t.csv", columns="path=my file", labels="all=krank")
    notes = " ".join(ls.describe_data(cohort)["notes"])
    assert '--columns subject="patient no"' in notes


def test_a_misspelled_heading_gets_the_option_that_is_meant(cells):
    with pytest.raises(CohortError, match='--columns subject="patient no"'):
        ls.read_cohort(cells / "t.csv", columns="path=my file,subject=patient nr")


def test_a_data_frame_of_cells_takes_the_options(cells):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(cells / "t.csv")
    frame["my file"] = [str(cells / name) for name in frame["my file"]]
    options = reading_options(columns=OWN["columns"], labels=OWN["labels"])
    assert [source.subject for source in list_images(frame, options)] == ["7", "8"]
