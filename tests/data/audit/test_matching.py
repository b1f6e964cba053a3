from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.simulated_copies import COPIES
from leukoscope.data.audit import matching
from leukoscope.data.audit.fingerprint import CNMC_STEP, Fingerprint, fingerprint, typical_step
from leukoscope.data.audit.matching import (
    ORIENTATIONS,
    Settings,
    candidates,
    find_matches,
    oriented,
)
from leukoscope.data.imaging.image import decode
from leukoscope.data.readers.layout import read_cohort
from tests.data.cells import draw_cell

pytestmark = pytest.mark.slow(5)


@cache
def cells() -> list[np.ndarray]:
    """Drawn at the first use, and not when the file is collected."""
    return [draw_cell(seed) for seed in range(24)]


def prints_of(images: list[np.ndarray]) -> list[Fingerprint]:
    found = [fingerprint(image) for image in images]
    assert all(found)
    return [one for one in found if one]


@pytest.mark.parametrize("name", COPIES)
def test_every_simulated_copy_is_found_and_nothing_else(name: str) -> None:
    rng = np.random.default_rng(1)
    copies = [COPIES[name](image, rng) for image in cells()]
    matches = find_matches(prints_of(cells() + copies))
    assert [(m.first, m.second) for m in matches] == [
        (n, n + len(cells())) for n in range(len(cells()))
    ]


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("larger_first", [False, True])
def test_orientation_and_shift_lead_from_the_first_to_the_second(
    number: int, larger_first: bool
) -> None:
    turn, mirror = ORIENTATIONS[number]
    cell = np.roll(cells()[0], (17, -9), (0, 1))
    moved = np.roll(oriented(np.moveaxis(cell, 2, 0), turn, mirror), (4, 3), (1, 2))
    copy = np.ascontiguousarray(np.moveaxis(moved, 0, 2))
    # One column more or less decides which of the two comes first in order of area.
    row = copy[150] if larger_first else cell[150]
    row[np.flatnonzero(row.max(axis=1))[:3]] = 0
    (match,) = find_matches(prints_of([cell, copy]))
    assert (match.turn, match.mirror) == (turn, mirror)
    assert match.shift == pytest.approx(5, abs=2)
    assert match.outline_iou > 0.95


def test_cells_of_very_different_size_are_not_compared() -> None:
    prints = prints_of([draw_cell(0, radius=60), draw_cell(0, radius=110)])
    assert list(candidates(prints, Settings(upright_candidate=-1, turned_candidate=-1))) == []


def test_similar_cells_cost_a_bounded_number_of_comparisons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matching, "MOST_PARTNERS", 3)
    prints = prints_of(cells())
    everything = Settings(upright_candidate=-1, turned_candidate=2, area_ratio=0.01)
    found = list(candidates(prints, everything))
    assert 3 * (len(cells()) - 3) <= len(found) <= 3 * len(cells())
    monkeypatch.setattr(matching, "MOST_PARTNERS", len(cells()))
    assert len(set(candidates(prints, everything))) == len(cells()) * (len(cells()) - 1) // 2


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((300, 300, 3), np.uint8),
        np.full((300, 300, 3), 90, np.uint8),
        draw_cell(0, side=30, radius=8),
        np.zeros((1, 1, 3), np.uint8),
        np.where(draw_cell(0) > 0, np.uint8(90), np.uint8(0)),
    ],
    ids=["black", "even photograph", "tiny cell", "one pixel", "painted disc"],
)
def test_what_cannot_be_known_again_has_no_fingerprint(image: np.ndarray) -> None:
    assert fingerprint(image) is None


def test_shreds_and_touching_neighbors_do_not_hide_a_cell() -> None:
    cell = draw_cell(5, side=420, radius=80)
    beside = cell.copy()
    beside[170:180, 285:330] = (170, 140, 175)  # a pale string that leads to a smaller cell
    beside[130:220, 325:415] = draw_cell(6, side=90, radius=40)
    (match,) = find_matches(prints_of([cell, beside]))
    assert match.correlation > 0.9


def test_step_is_that_of_cnmc_for_its_cells_and_follows_others() -> None:
    assert [typical_step([d]) for d in (150, 195, 260)] == [CNMC_STEP] * 3
    assert typical_step([50, 50, 48]) == CNMC_STEP / 4
    assert typical_step([]) == CNMC_STEP


@pytest.mark.real
def test_simulated_copies_of_real_cells_are_found(cnmc_dir: Path) -> None:
    cohort = read_cohort(cnmc_dir)
    # Few of many, so that hardly any cell is drawn twice.
    rows = np.random.default_rng(0).permutation(len(cohort))[:60]
    images = [decode(path) for path in cohort["path"][rows]]
    rng = np.random.default_rng(0)
    copies = [COPIES["everything"](image, rng) for image in images]
    matches = {(m.first, m.second) for m in find_matches(prints_of(images + copies))}
    assert len(matches & {(n, n + len(rows)) for n in range(len(rows))}) >= 0.97 * len(rows)
