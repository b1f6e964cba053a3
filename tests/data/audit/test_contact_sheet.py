from pathlib import Path

import numpy as np
import pytest

from benchmarks.simulated_copies import gain
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.data.audit import contact_sheet
from leukoscope.data.audit.audit import audit
from leukoscope.data.audit.contact_sheet import pair_order, side_by_side, write_contact_sheet
from leukoscope.data.audit.result import AuditResult
from leukoscope.data.cnmc.cnmc import ALL, HEM
from tests.data.cells import draw_cell, save_cohort


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    rng = np.random.default_rng(0)
    images, labels, subjects = {}, [], []
    for seed, (label, subject) in enumerate([(ALL, "2"), (ALL, "2"), (ALL, "2"), (HEM, "9<b>")]):
        images[f"{seed}a.png"] = draw_cell(seed)
        images[f"{seed}b.png"] = gain(draw_cell(seed), rng)
        labels += [ALL, label]
        subjects += ["1", subject]
    subjects[1] = "1"  # the first pair lies within one subject
    return audit(save_cohort(tmp_path_factory.mktemp("cells"), images, labels, subjects))


def test_label_conflicts_come_first_then_a_pair_for_each_link(result: AuditResult) -> None:
    order = pair_order(result)
    assert sorted(order) == [0, 1, 2, 3]
    assert order[0] == 3  # ALL and HEM
    assert order[1] in (1, 2)  # between subjects 1 and 2, the lower correlation
    assert result.pairs["correlation"][order[1]] == min(result.pairs["correlation"][1:3])


def test_sheet_shows_pairs_persons_and_the_notice(result: AuditResult, tmp_path: Path) -> None:
    text = write_contact_sheet(result, tmp_path / "audit.html").read_text(encoding="utf-8")
    assert text.count("<img") == 4
    assert "0a.png ALL | 0b.png ALL" in text
    assert "Suspected label errors" in text
    assert "<td>1 2</td>" in text
    assert RESEARCH_USE in text
    assert "<b>" not in text.replace("&lt;b&gt;", "")


def test_sheet_is_bounded_and_says_so(
    result: AuditResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_sheet, "MAX_PAIRS", 2)
    text = write_contact_sheet(result, tmp_path / "audit.html").read_text(encoding="utf-8")
    assert text.count("<img") == 2
    assert "2 of 4 pairs are shown" in text


def test_pairs_whose_images_are_gone_are_left_out(result: AuditResult, tmp_path: Path) -> None:
    gone = result.pairs | {"path_a": np.array(["gone.png"] * 4, dtype=object)}
    moved = AuditResult(result.cohort, gone, result.persons)
    assert "<img" not in write_contact_sheet(moved, tmp_path / "audit.html").read_text("utf-8")


def test_first_cell_is_turned_as_it_was_matched() -> None:
    cell = draw_cell(1)
    turned = np.ascontiguousarray(np.rot90(cell[:, ::-1], 3))
    shown = side_by_side(cell, turned, "mirrored 270")
    side = contact_sheet.SIDE
    assert shown.shape == (side, 2 * side + contact_sheet.GAP, 3)
    np.testing.assert_array_equal(shown[:, :side], shown[:, -side:])


def test_photographs_of_any_size_can_be_shown() -> None:
    photo = np.random.default_rng(0).integers(60, 255, (5, 9000, 3), np.uint8)
    assert side_by_side(photo, photo[:1, :1]).shape[0] == contact_sheet.SIDE
