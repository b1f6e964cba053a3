from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.simulated_copies import gain, shift
from leukoscope.data.audit.audit import audit
from leukoscope.data.cnmc.cnmc import ALL, HEM, UNKNOWN
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.data.readers.layout import read_cohort
from leukoscope.data.synthetic.cohort import draw_cohort, read_truth
from tests.data.cells import draw_cell, save_cohort

RNG = np.random.default_rng(0)


def other_look(image: np.ndarray) -> np.ndarray:
    return gain(shift(image, RNG), RNG)


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Subjects 10 and 9 share a cell looked at twice, 9 and 11 a file; 12 stands alone."""
    first, second = draw_cell(1), draw_cell(2)
    images = {
        "a.png": first,
        "b.png": other_look(first),
        "c.png": second,
        "d.png": second,
        "e.png": draw_cell(3),
    }
    folder = tmp_path_factory.mktemp("linked")
    return save_cohort(folder, images, [ALL] * 5, ["10", "9", "9", "11", "12"])


def test_links_subjects_through_copies_and_second_looks(linked: Cohort) -> None:
    result = audit(linked)
    assert result.persons == {"9": "9", "10": "9", "11": "9", "12": "12"}
    assert result.linked == {"9": ["9", "10", "11"]}
    assert list(result.cohort["person"]) == ["9", "9", "9", "9", "12"]
    assert list(result.pairs["kind"]) == ["same-cell", "exact"]
    assert [Path(p).name for p in result.pairs["path_b"]] == ["b.png", "d.png"]
    a, b, c, d, e = result.cohort["cell"]
    assert a == b
    assert c == d
    assert len({a, c, e}) == 3


def test_same_result_whatever_the_row_order_and_threads(linked: Cohort) -> None:
    once = audit(linked, jobs=1).cohort
    again = audit(linked.select(np.array([4, 3, 2, 1, 0])), jobs=3).cohort
    for column in ("person", "cell", "sha256"):
        assert list(once[column]) == list(again[column][::-1])


def test_what_the_table_says_of_the_images_is_not_trusted(linked: Cohort) -> None:
    stale = linked.with_columns(
        sha256=["1", "2", "3", "3", "5"], flags=["unreadable;blurred", *["blank"] * 4]
    )
    result, fresh = audit(stale), audit(linked)
    assert list(result.cohort["sha256"]) == list(fresh.cohort["sha256"])
    assert list(result.cohort["flags"]) == ["blurred", "", "", "", ""]
    assert result.linked == fresh.linked


def test_an_audit_that_checked_every_image_is_clean(linked: Cohort) -> None:
    result = audit(linked)
    assert (result.unreadable, result.not_compared, result.remarks) == ([], [], [])
    assert result.exit_code == 0


def test_one_cell_under_two_labels_is_reported_and_links_nobody(tmp_path: Path) -> None:
    cell, copied = draw_cell(1), draw_cell(2)
    images = {"a.png": cell, "b.png": other_look(cell), "c.png": copied, "d.png": copied}
    result = audit(save_cohort(tmp_path, images, [ALL, HEM, ALL, HEM], ["1", "H1", "2", "H2"]))
    assert list(result.label_conflicts) == [True, True]
    assert result.linked == {}
    assert set(result.cohort["flags"]) == {"label-conflict"}


def test_unknown_labels_and_subjects_join_without_drawing_others_along(tmp_path: Path) -> None:
    first, second = draw_cell(1), draw_cell(2)
    images = {
        "a.png": first,
        "b.png": other_look(first),
        "c.png": second,
        "d.png": other_look(second),
        "e.png": draw_cell(3),
    }
    subjects = ["1", "", "", "", ""]
    result = audit(save_cohort(tmp_path, images, [ALL] + [UNKNOWN] * 4, subjects))
    assert list(result.cohort["person"]) == ["1", "1", "", "", ""]
    assert not result.label_conflicts.any()


def test_bad_files_are_flagged_and_prove_nothing(tmp_path: Path) -> None:
    black, tiny = np.zeros((300, 300, 3), np.uint8), RNG.integers(0, 255, (6, 6, 3), np.uint8)
    images = {"black.png": black, "black2.png": black, "tiny.png": tiny, "tiny2.png": tiny}
    cohort = save_cohort(tmp_path, images, [ALL] * 4, ["1", "2", "3", "4"])
    Image.fromarray(draw_cell(1)).save(tmp_path / "whole.bmp")
    for name in ("cut.bmp", "cut2.bmp"):
        (tmp_path / name).write_bytes((tmp_path / "whole.bmp").read_bytes()[:5000])
    for name in ("empty.png", "empty2.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.bmp").mkdir()
    broken = ["cut.bmp", "cut2.bmp", "empty.png", "empty2.png", "folder.bmp", "absent.bmp"]
    paths = [*cohort["path"], *(str(tmp_path / name) for name in broken)]
    table = {"path": paths, "subject": [str(n) for n in range(len(paths))]}
    result = audit(make_cohort(table | {"label": [ALL] * len(paths)}))
    assert list(result.cohort["flags"]) == (
        ["blank"] * 2 + ["too-small-to-match"] * 2 + ["unreadable"] * 6
    )
    assert list(result.pairs["kind"]) == ["exact"]  # the tiny ones: the same bytes, and not blank
    assert result.linked == {"2": ["2", "3"]}
    assert list(result.cohort["cell"][-2:]) == ["", ""]
    assert result.unreadable == [str(tmp_path / name) for name in broken]
    assert result.not_compared == list(cohort["path"])
    assert len(result.remarks) == 2
    assert result.exit_code == 3


@pytest.mark.parametrize("count", [0, 1])
def test_a_cohort_of_none_or_one(tmp_path: Path, count: int) -> None:
    images = {f"{n}.png": draw_cell(n) for n in range(count)}
    result = audit(save_cohort(tmp_path, images, [ALL] * count, ["1"] * count))
    assert len(result.pairs["kind"]) == 0
    assert list(result.cohort["person"]) == ["1"] * count


def test_photographs_without_border_need_near_identity(tmp_path: Path) -> None:
    images = {}
    for seed in range(4):
        photo = draw_cell(seed)
        photo[photo.max(axis=2) == 0] = (230, 220, 235)
        images[f"{seed}.png"] = photo
    images["again.jpg"] = images["2.png"]
    result = audit(save_cohort(tmp_path, images, [ALL] * 5, list("01234")))
    assert set(result.cohort["flags"]) == {"no-border"}
    assert result.linked == {"2": ["2", "4"]}
    assert len(result.not_compared) == 5
    assert result.exit_code == 3


def test_a_dark_nucleus_on_pale_ground_has_no_outline_to_compare(tmp_path: Path) -> None:
    images = {}
    for seed in range(2):
        image = draw_cell(seed) // 2
        image[image.max(axis=2) == 0] = (235, 228, 240)
        images[f"{seed}.png"] = image
        images[f"{seed}-shifted.png"] = np.roll(image, 12, axis=1)
    result = audit(save_cohort(tmp_path, images, [ALL] * 4, list("0123")))
    assert len(result.not_compared) == 4
    assert result.exit_code == 3


def test_finds_the_persons_and_copies_of_a_synthetic_cohort(tmp_path: Path) -> None:
    cohort = draw_cohort(tmp_path / "cells", persons=8, cells_per_person=12, seed=3)
    truth = read_truth(tmp_path / "cells")
    found = audit(cohort)
    for image, copy in (*truth.identical, *truth.renormalized):
        rows = [list(cohort["path"]).index(str(tmp_path / "cells" / p)) for p in (image, copy)]
        assert found.cohort["cell"][rows[0]] == found.cohort["cell"][rows[1]]
    for subject, person in found.persons.items():
        assert truth.persons[subject] == truth.persons[person]


# For each link of a known person two images of one cell, by subject, image and cell; 2,959 cells of
# these persons would take half a minute. `benchmarks/audit.py` searches all of C-NMC.
LINKS = """
1_7_1 15_25_2, 1_4_1 17_30_2, 17_18_1 20_34_1, 20_15_1 16_38_1, 20_1_1 21_1_1, 43_2_3 44_20_3,
51_6_2 75_2_2, 51_4_1 78_1_1, H2_3_2 H4_1_1, H2_4_1 H5_1_1, H6_1_1 H2_1_1, H7_1_1 H2_2_1,
H10_1_1 h3_1_1, H24_26_1 H14_21_5
"""


@pytest.mark.slow(6)
@pytest.mark.real
def test_finds_the_known_groups_of_cnmc(cnmc_dir: Path) -> None:
    known = {
        "1": ["1", "15", "16", "17", "20", "21"],
        "43": ["43", "44"],
        "51": ["51", "75", "78"],
        "H2": ["H2", "H4", "H5", "H6", "H7"],
        "H10": ["H10", "h3"],
        "H14": ["H14", "H24"],
    }
    cohort = read_cohort(cnmc_dir)
    named = [subject for group in known.values() for subject in group]
    cohort = cohort.select(np.isin(cohort["subject"].astype(str), named))
    linking = LINKS.replace(",", " ").split()
    names = [path.stem.removeprefix("UID_").rpartition("_")[0] for path in cohort.paths]
    cohort = cohort.select(np.isin(names, linking) | (np.arange(len(cohort)) % 8 == 0))
    present = set(cohort["subject"])
    expected = {k: [s for s in v if s in present] for k, v in known.items()}
    result = audit(cohort)
    assert result.linked == {v[0]: v for v in expected.values() if len(v) > 1}
    assert not result.label_conflicts.any()
    assert set(result.pairs["turn"]) == {"0"}  # a microscope turns no slide: a turned pair is false


def test_re_encoded_copies_are_pairs_and_join_their_subjects(tmp_path: Path) -> None:
    cell, speck = draw_cell(1), np.zeros((40, 40, 3), np.uint8)
    speck[18:20, 18:21] = [[[90, 30, 90], [91, 30, 90], [92, 30, 90]]]  # too small to match
    images = {
        "a.png": cell,
        "b.bmp": np.pad(np.rot90(cell), ((5, 5), (9, 9), (0, 0))),
        "c.png": speck,
        "d.tiff": speck[:30, :30],
        "e.png": draw_cell(2),
    }
    result = audit(save_cohort(tmp_path, images, [ALL] * 5, ["1", "2", "3", "4", "5"]))
    assert list(result.pairs["kind"]) == ["same-pixels", "same-pixels"]
    assert list(result.pairs["turn"]) == ["90", "0"]
    assert result.linked == {"1": ["1", "2"], "3": ["3", "4"]}
    a, b, c, d, e = result.cohort["pixel_sha256"]
    assert a == b
    assert c == d
    assert len({a, c, e}) == 3


def test_persons_of_the_table_are_kept_and_the_audit_adds_to_them(linked: Cohort) -> None:
    result = audit(linked.with_columns(person=["ann", "bob", "bob", "cem", "ann"]))
    assert list(result.cohort["person"]) == ["ann"] * 5
    assert len(result.notes) == 2
    assert all(name in result.notes[1] for name in ("'ann'", "'bob'", "'cem'"))

    apart = linked.select(np.array([2, 4])).with_columns(person=["ann", "bob"])
    assert list(audit(apart).cohort["person"]) == ["ann", "bob"]
    joined = audit(apart.with_columns(person=["ann", "ann"]))
    assert joined.linked == {"ann": ["9", "12"]}
    again = audit(joined.cohort)  # the links of the table outlast a second audit
    assert again.persons == {"9": "ann", "12": "ann"}


def test_a_table_that_gives_no_persons_gets_no_note(linked: Cohort) -> None:
    assert audit(linked).notes == ()
