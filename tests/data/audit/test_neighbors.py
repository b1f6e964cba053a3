"""The search of neighbors finds the pairs that comparing everything finds."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.simulated_copies import COPIES
from leukoscope.data.audit import matching, neighbors, print_store
from leukoscope.data.audit.audit import audit
from leukoscope.data.audit.fingerprint import Fingerprint, fingerprint
from leukoscope.data.audit.matching import ORIENTATIONS, find_matches, oriented
from leukoscope.data.audit.neighbors import (
    describe,
    near_pairs,
    slid_correlation,
    turned,
    vector_of,
)
from leukoscope.data.audit.print_store import Prints, PrintStore
from leukoscope.data.cnmc.cnmc import ALL
from tests.data.cells import draw_cell, save_cohort

pytest.importorskip("usearch", reason="usearch is not installed")


@cache
def cells() -> list[np.ndarray]:
    """Drawn at the first use, and not when the file is collected."""
    return [draw_cell(seed) for seed in range(16)]


@pytest.fixture(scope="module")
def prints() -> list[Fingerprint]:
    """Cells, then a copy of each that differs in every way."""
    rng = np.random.default_rng(3)
    images = [*cells(), *(COPIES["everything"](image, rng) for image in cells())]
    return [one for one in map(fingerprint, images) if one]


def test_neighbors_give_the_matches_of_all_pairs(
    prints: list[Fingerprint], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = find_matches(prints)
    monkeypatch.setattr(matching, "LARGE", 1)
    assert find_matches(prints) == exact
    assert [(m.first, m.second) for m in exact] == [(n, n + 16) for n in range(16)]


def test_near_pairs_come_once_in_order_whatever_the_threads(prints: list[Fingerprint]) -> None:
    vectors, _, framed = describe(prints)
    assert framed.all()
    pairs = list(near_pairs(vectors, ORIENTATIONS, 1))
    assert pairs == sorted(set(pairs))
    assert all(first < second for first, second, _ in pairs)
    assert pairs == list(near_pairs(vectors, ORIENTATIONS, 4))
    assert list(near_pairs(vectors[:1], ORIENTATIONS, 1)) == []


def test_unrelated_neighbors_are_left_out_before_their_fingerprints_are_read(
    prints: list[Fingerprint], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, _, _ = describe(prints)
    monkeypatch.setattr(neighbors, "LEAST", -1.0)  # every cell is a neighbor of every other
    kept = {pair[:2] for pair in near_pairs(vectors, ORIENTATIONS, 1)}
    copies = {(row, row + 16) for row in range(16)}
    assert copies <= kept
    monkeypatch.setattr(neighbors, "LEAST_TEXTURE", -1.0)
    assert len(kept) < len({pair[:2] for pair in near_pairs(vectors, ORIENTATIONS, 1)}) / 2


def test_the_slid_correlation_is_that_of_opencv() -> None:
    rng = np.random.default_rng(0)
    ours, others = rng.normal(size=(2, 5, 24, 24)).astype(np.float32)
    others[0, 1:, :-1] = ours[0, :-1, 1:]  # one is the other, moved
    expected = [
        cv2.matchTemplate(np.pad(one, 1), other, cv2.TM_CCORR).max()
        for one, other in zip(ours, others, strict=True)
    ]
    assert np.allclose(slid_correlation(ours, others), expected, rtol=1e-4)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_turned_vector_is_that_of_the_turned_cell(
    orientation: tuple[int, bool], prints: list[Fingerprint]
) -> None:
    one = prints[0]
    shade, texture = (
        np.ascontiguousarray(oriented(p, *orientation)) for p in (one.shade, one.texture)
    )
    other = Fingerprint(shade, texture, one.mask, one.area, one.offset, one.framed, one.step)
    found = turned(vector_of(one)[None], orientation)[0]
    assert np.allclose(found, vector_of(other), atol=2e-3)


def test_a_store_gives_back_the_fingerprints(prints: list[Fingerprint]) -> None:
    store = PrintStore()
    stored = Prints([store.add(one) for one in prints])
    for one, again in zip(prints, stored, strict=True):
        for name in ("shade", "texture", "mask"):
            assert np.array_equal(getattr(one, name), getattr(again, name))
        assert (one.area, one.offset, one.framed, one.step) == (
            again.area,
            again.offset,
            again.framed,
            again.step,
        )
    assert find_matches(stored) == find_matches(prints)
    store.close()


def test_a_large_cohort_has_the_result_of_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [*cells()[:5], COPIES["turn"](cells()[0], np.random.default_rng(0))]
    images = {f"{number}.png": image for number, image in enumerate(some)}
    cohort = save_cohort(tmp_path, images, [ALL] * 6, list("abcdef"))
    small = audit(cohort)
    monkeypatch.setattr(matching, "LARGE", 1)
    monkeypatch.setattr(print_store, "IN_MEMORY", 1)
    large = audit(cohort)
    assert large.persons == small.persons
    assert {name: list(column) for name, column in large.pairs.items()} == {
        name: list(column) for name, column in small.pairs.items()
    }


def test_without_usearch_every_pair_is_compared(
    prints: list[Fingerprint], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exact = find_matches(prints)
    monkeypatch.setattr(matching, "LARGE", 1)
    monkeypatch.setattr(matching.importlib.util, "find_spec", lambda _: None)
    assert find_matches(prints) == exact
    assert "[large]" in caplog.text
