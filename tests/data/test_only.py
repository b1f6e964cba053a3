"""Selecting the images of a list of names."""

from pathlib import Path

import pytest

import leukoscope as ls
from leukoscope.core.errors import CohortError
from leukoscope.data.cnmc.official import official_images
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.data.only import MEASURED, _read_names, select_only

PATHS = ["/d/fold_0/all/UID_1_1_1_all.bmp", "/d/fold_1/hem/UID_H1_1_1_hem.bmp", "/d/x/7.bmp"]


def cohort(paths: list[str], **columns: object) -> Cohort:
    return make_cohort({"path": paths, "label": [-1] * len(paths), **columns}, source="d")


@pytest.fixture
def listed(tmp_path: Path):
    def write(*names: str, name: str = "names.txt") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(names), "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["UID_1_1_1_all.bmp"], [0]),
        (["# a remark", "", "fold_1/hem/UID_H1_1_1_hem.bmp  ", "7.bmp"], [1, 2]),
        (["hem\\uid_h1_1_1_HEM.png"], [1]),  # of Windows, in another format
        (["UID_1_1_1_all"], [0]),  # without suffix
        (["/elsewhere/x/7.bmp", "x/7.bmp"], [2]),
    ],
)
def test_names_match_from_the_end(listed, names, rows):
    found = select_only(cohort(PATHS), listed(*names))
    assert list(found["path"]) == [PATHS[row] for row in rows]


def test_a_folder_that_differs_is_another_image(listed):
    with pytest.raises(CohortError, match="none of its 1 images"):
        select_only(cohort(PATHS), listed("fold_1/all/UID_1_1_1_all.bmp"))


def test_names_without_an_image_are_noted(listed):
    found = select_only(cohort(PATHS), listed("7.bmp", "8.bmp", "9.bmp"))
    assert "2 of 3 names have no image here: 8.bmp, 9.bmp" in found.notes[-1]
    assert "1 of 3 images" in found.notes[-1]


def test_a_table_is_a_list_and_an_official_copy_has_its_official_name(listed):
    table = listed("path,label", "b/UID_1_1_1_all.bmp,ALL", name="list.csv")
    one = cohort(["/d/b/renamed.png"], official=["C-NMC_Leukemia/b/UID_1_1_1_all.bmp"])
    assert len(select_only(one, table)) == 1


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff\xfe\x00"])
def test_a_list_without_names_is_refused(tmp_path, content):
    (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(CohortError):
        select_only(cohort(PATHS), tmp_path / "names.txt")
    with pytest.raises(CohortError):
        select_only(cohort(PATHS), tmp_path / "absent.txt")


def test_the_list_in_the_package_names_official_training_images():
    names = _read_names(MEASURED)
    official = {image.path.partition("training_data/")[2] for image in official_images()}
    assert len(names) == len(set(names)) == 7071
    assert set(names) <= official


@pytest.mark.real
def test_the_list_in_the_package_selects_all_images_that_were_measured(cnmc_dir):
    whole = ls.read_cohort(cnmc_dir)
    assert list(ls.read_cohort(cnmc_dir, only=MEASURED)["path"]) == list(whole["path"])


def test_every_command_that_reads_a_data_set_selects(tmp_path, listed, capsys):
    from leukoscope.cli.main import main

    for name in ("a/all/1.bmp", "a/hem/2.bmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"BM")
    with pytest.raises(SystemExit):
        main(["data", "info", str(tmp_path / "a"), "--only", str(listed("2.bmp")), "--json"])
    assert '"total": 1' in capsys.readouterr().out
