"""`data report`, end to end on small made-up cells."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from leukoscope.core.errors import CohortError
from leukoscope.core.files import sha256_file
from leukoscope.core.tables import read_table
from leukoscope.data.cohort import ALL, HEM, UNKNOWN, make_cohort
from leukoscope.data.imaging.features import FEATURES
from leukoscope.data.overview import report
from leukoscope.data.overview.measure import measure_cells
from leukoscope.data.overview.report import PAGE_NAME, TABLE_NAME, write_report
from leukoscope.data.overview.samples import common_crop, take_turns

pytestmark = pytest.mark.slow(16)


def draw(path, radius, seed):
    """A noisy disc on black."""
    y, x = np.mgrid[:160, :160] - 80
    cell = np.random.default_rng(seed).integers(40, 120, (160, 160, 3))
    image = np.where((x**2 + y**2 <= radius**2)[..., None], cell, 0).astype(np.uint8)
    Image.fromarray(image).save(path)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Twelve ALL and twelve HEM cells of seven persons; person 1 has two ids and two folds."""
    folder = tmp_path_factory.mktemp("cells")
    table = {name: [] for name in ("path", "label", "subject", "person", "fold")}
    for number in range(24):
        label = ALL if number < 12 else HEM
        subject = f"{'' if label == ALL else 'H'}{number % 4 + 1}"
        path = folder / f"{number}.bmp"
        draw(path, (50 if label == ALL else 40) + number % 5, number)
        row = (str(path), label, subject, "1" if subject == "2" else subject, str(number % 2))
        for name, value in zip(table, row, strict=True):
            table[name].append(value)
    return make_cohort(table, source="made-up cells")


def test_table_of_measurements_keeps_the_order_and_names_bad_files(cells, tmp_path):
    draw(tmp_path / "whole.bmp", 30, 0)
    (tmp_path / "bad.bmp").write_bytes((tmp_path / "whole.bmp").read_bytes()[:2000])
    hashes = ["", "of other bytes", sha256_file(cells["path"][1]), ""]
    paths = [str(tmp_path / "bad.bmp"), *cells["path"][:3]]
    bad = make_cohort({"path": paths, "sha256": hashes})
    found = measure_cells(bad)
    assert list(found["path"]) == list(bad["path"])
    assert np.isnan(found["area"][0])
    assert "truncated" in found["problem"][0]
    assert "changed" in found["problem"][1]
    assert np.isnan(found["area"][1])
    assert list(found["problem"][2:]) == ["", ""]
    assert found["area"][2:] == pytest.approx([np.pi * radius**2 for radius in (51, 52)], rel=0.02)


def test_page_and_table(cells, tmp_path):
    page = write_report(cells, tmp_path / "new")
    assert page == tmp_path / "new" / PAGE_NAME
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    for wanted in ("made-up cells", "In more than one fold: 1 of 7 persons (1)", "1, 2", "AUROC"):
        assert wanted in text
    table = read_table(tmp_path / "new" / TABLE_NAME)
    assert len(table["path"]) == 24
    assert {"label", "person", "outlier", *FEATURES} <= set(table)
    assert set(table["label"]) == {"ALL", "HEM"}


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    "changes",
    [
        {"subject": [""] * 24, "person": [""] * 24, "fold": ["a"] * 12 + ["b"] * 11 + [""]},
        {"label": [UNKNOWN] * 24, "fold": [""] * 24},
        {"label": [HEM] * 24, "fold": [str(number % 6) for number in range(24)]},
        {"person": ["one"] * 24, "fold": ["0"] * 24},
    ],
)
def test_any_cohort_has_a_report(cells, tmp_path, changes):
    cohort = make_cohort({**cells.columns, **changes})
    assert write_report(cohort, tmp_path).stat().st_size > 10_000


def test_cohort_of_unusable_images_has_a_report(tmp_path):
    Image.new("RGB", (50, 50)).save(tmp_path / "black.bmp")
    (tmp_path / "empty.bmp").touch()
    names = ["black.bmp", "empty.bmp"]
    text = write_report(
        make_cohort({"path": [str(tmp_path / name) for name in names]}), tmp_path
    ).read_text()
    assert "no cell: every pixel is black" in text
    assert "0 bytes" in text


@pytest.mark.usefixtures("drawn")
def test_one_single_cell_has_a_report(cells, tmp_path):
    assert write_report(cells.select(np.array([0])), tmp_path).exists()


@pytest.mark.usefixtures("drawn")
def test_names_from_the_data_cannot_write_into_the_page(cells, tmp_path):
    evil = "<script>alert(1)</script>$\\frac{$\n"
    cohort = make_cohort(
        {**cells.columns, "subject": [evil] * 24, "person": [evil] * 24}, source=evil
    )
    assert "<script>alert" not in write_report(cohort, tmp_path).read_text(encoding="utf-8")


def test_empty_cohort_is_refused(cells, tmp_path):
    with pytest.raises(CohortError, match="empty"):
        write_report(cells.select(np.zeros(24, dtype=bool)), tmp_path)


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=40), st.integers(1, 50))
def test_turns_are_fair(person, count):
    rows = np.arange(100, 100 + len(person))
    chosen = take_turns(rows, person, count, np.random.default_rng(0))
    assert len(set(chosen)) == len(chosen) == min(count, len(person))
    taken = {one: sum(person[row - 100] == one for row in chosen) for one in set(person)}
    for one, number in taken.items():
        assert number == person.count(one) or number >= max(taken.values()) - 1


def test_the_square_holds_the_cells(cells):
    crop = common_crop(measure_cells(cells), 100)
    assert 2 * 54 + 1 <= crop.crop <= 2 * 54 + 21


@pytest.mark.usefixtures("drawn")
@pytest.mark.real
def test_report_on_real_cells(cnmc_dir, tmp_path):
    paths = sorted(str(path) for path in cnmc_dir.rglob("fold_0/*/*.bmp"))[::60]
    labels = [ALL if path.endswith("_all.bmp") else HEM for path in paths]
    subjects = [path.rsplit("/", 1)[1].split("_")[1] for path in paths]
    cohort = make_cohort({"path": paths, "label": labels, "subject": subjects})
    measured = measure_cells(cohort)
    assert set(measured["problem"]) == {""}
    blasts, normal = (measured["area"][measured["label"] == label] for label in (ALL, HEM))
    assert 1.2 < np.median(blasts) / np.median(normal) < 1.8
    assert report.write_report(cohort, tmp_path).exists()
