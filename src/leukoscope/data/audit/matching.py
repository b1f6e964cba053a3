"""Find pairs of images of the same cell: candidates by shade, then comparison by texture.

Candidates come from a block-wise matrix product of all shades in eight orientations; in large
cohorts from the nearest neighbors of each cell (`audit.neighbors`). The comparison slides the
texture of one cell over that of the other. No array of size images x images is held.
"""

import importlib.util
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.core.installing import install_command
from leukoscope.core.progress import track
from leukoscope.data.audit.fingerprint import Fingerprint

_log = logging.getLogger(__name__)

#: Quarter turns counter-clockwise after an optional mirror: the eight symmetries of a square.
ORIENTATIONS = tuple((turn, mirror) for mirror in (False, True) for turn in range(4))
BLOCK = 512
LARGE = 20_000  # cells from which neighbors are searched; up to it every pair of shades is compared
SLIDE = 4  # texture steps, about 12 px of C-NMC
#: Largest number of comparisons per cell and orientation, which bounds the time for similar cells.
MOST_PARTNERS = 64
MIN_SHARED = 200  # texture steps that two cells must share for a meaningful correlation


@dataclass(frozen=True)
class Settings:
    """Thresholds of the search. `benchmarks/audit.py` measures missed and false pairs.

    Attributes:
        upright_candidate: Correlation of shades from which a pair is compared.
        turned_candidate: The same for turned or mirrored pairs, which are seven times as many and
            seldom real.
        photograph_candidate: The same for images without a black border, which are all similar.
        same_texture: Correlation of textures from which two images show the same cell.
        same_shade: Correlation of shades from which `supported_texture` suffices.
        supported_texture: Lower correlation of textures that suffices with `same_shade`, because a
            change of focus affects texture more than shade.
        same_photograph: Correlation of textures required without a black border, where more than
            the cell is compared.
        area_ratio: Smaller divided by larger area below which a pair is skipped.
    """

    upright_candidate: float = 0.5
    turned_candidate: float = 0.6
    photograph_candidate: float = 0.95
    same_texture: float = 0.77
    same_shade: float = 0.82
    supported_texture: float = 0.65
    same_photograph: float = 0.995
    area_ratio: float = 0.7


@dataclass(frozen=True)
class Match:
    """Two images of the same cell.

    Attributes:
        first: Row of the first image.
        second: Row of the second image, larger than `first`.
        correlation: Correlation of the textures at the best slide.
        outline_iou: Intersection over union of the outlines at that slide.
        shift: Distance that the cell moved in the frame, in original pixels, apart from the turn.
        turn: Quarter turns from the first to the second, counter-clockwise.
        mirror: True if the first is mirrored before it is turned.
    """

    first: int
    second: int
    correlation: float
    outline_iou: float
    shift: float
    turn: int
    mirror: bool

    @property
    def turned(self) -> str:
        """Orientation as text: "90", "mirrored 180"."""
        return f"{'mirrored ' if self.mirror else ''}{90 * self.turn}"


def find_matches(
    prints: Sequence[Fingerprint], settings: Settings | None = None, *, jobs: int = 2
) -> list[Match]:
    """Find all pairs of fingerprints of the same cell, each at its best orientation.

    Args:
        prints: One fingerprint per image, all with the same step.
        settings: Thresholds.
        jobs: Number of threads for the comparison.

    Returns:
        Matches ordered by row.
    """
    settings = settings or Settings()
    best: dict[tuple[int, int], Match] = {}

    def compared(candidate: tuple[int, int, int]) -> Match | None:
        return compare(prints, *candidate, settings)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        pairs = track(_all_candidates(prints, settings, jobs), "Comparing cells")
        while batch := list(islice(pairs, 4096)):
            for match in filter(None, pool.map(compared, batch)):
                key = (match.first, match.second)
                if key not in best or match.correlation > best[key].correlation:
                    best[key] = match
    return [best[key] for key in sorted(best)]


def _all_candidates(
    prints: Sequence[Fingerprint], settings: Settings, jobs: int
) -> Iterator[tuple[int, int, int]]:
    if len(prints) > LARGE and _can_search():
        yield from _near_candidates(prints, settings, jobs)
        return
    # A cell on black and a photograph are never paired.
    for framed in (True, False):
        rows = [row for row, p in enumerate(prints) if p.framed == framed]
        for first, second, orientation in candidates([prints[row] for row in rows], settings):
            yield rows[first], rows[second], orientation


def _can_search() -> bool:
    """True if usearch is installed; otherwise say that it would save time."""
    if importlib.util.find_spec("usearch") is not None:
        return True
    _log.warning(
        "Comparing every pair of cells; with many cells this takes hours. A search of nearest "
        "neighbors takes minutes: %s",
        install_command("large"),
    )
    return False


def _near_candidates(
    prints: Sequence[Fingerprint], settings: Settings, jobs: int
) -> Iterator[tuple[int, int, int]]:
    """The candidates among the nearest neighbors; a part of those of `candidates`."""
    from leukoscope.data.audit.neighbors import describe, near_pairs

    vectors, areas, framed = describe(prints)
    for kind in (True, False):
        rows = np.flatnonzero(framed == kind)
        limits = _limits(settings, framed=kind)
        for a, b, number in near_pairs(vectors[rows], ORIENTATIONS, jobs):
            first, second = int(rows[a]), int(rows[b])
            small, large = sorted((areas[first], areas[second]))
            if small < settings.area_ratio * large:
                continue
            shade = oriented(prints[first].shade, *ORIENTATIONS[number])
            if float(np.vdot(shade, prints[second].shade)) > limits[number]:
                yield first, second, number


def _limits(settings: Settings, *, framed: bool) -> NDArray[np.floating]:
    """The least correlation of shades of a candidate in each orientation."""
    limits = np.full(len(ORIENTATIONS), settings.turned_candidate)
    limits[0] = settings.upright_candidate
    return limits if framed else np.full(len(ORIENTATIONS), settings.photograph_candidate)


def candidates(prints: Sequence[Fingerprint], settings: Settings) -> Iterator[tuple[int, int, int]]:
    """Find pairs that are similar enough for a comparison.

    Args:
        prints: Fingerprints, all with a black border or all without.
        settings: Thresholds.

    Yields:
        First row, second row (larger), orientation number of the first relative to the second.
    """
    if len(prints) < 2:
        return
    areas = np.array([p.area for p in prints])
    order = np.argsort(areas, kind="stable")
    areas = areas[order]
    shades = np.stack([prints[row].shade for row in order])
    flat = shades.reshape(len(prints), -1)
    limits = _limits(settings, framed=prints[0].framed)
    for start in range(0, len(prints), BLOCK):
        stop = min(start + BLOCK, len(prints))
        # Sorted by area, the partners of a cell run from the next one to the last similar one.
        ends = np.searchsorted(areas, areas[start:stop] / settings.area_ratio, side="right")
        columns = np.arange(start, ends[-1])[None]
        partner = (columns > np.arange(start, stop)[:, None]) & (columns < ends[:, None])
        for number, (turn, mirror) in enumerate(ORIENTATIONS):
            block = oriented(shades[start:stop], turn, mirror).reshape(stop - start, -1)
            similarity = block @ flat[start : ends[-1]].T
            for a, b in _strongest(similarity, partner & (similarity > limits[number])):
                first, second = int(order[a + start]), int(order[b + start])
                if first < second:
                    yield first, second, number
                else:
                    # From the other cell a turn goes the other way; a mirror is its own inverse.
                    yield second, first, ORIENTATIONS.index((turn if mirror else -turn % 4, mirror))


def _strongest(similarity: NDArray[np.float32], over: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(M, 2) rows and columns of `over`; at most the `MOST_PARTNERS` most similar of each row."""
    for row in np.flatnonzero(np.count_nonzero(over, axis=1) > MOST_PARTNERS):
        values = np.where(over[row], similarity[row], -np.inf)
        over[row] = False
        over[row, np.argsort(-values, kind="stable")[:MOST_PARTNERS]] = True
    return np.argwhere(over)


def compare(
    prints: Sequence[Fingerprint],
    first: int,
    second: int,
    orientation: int,
    settings: Settings,
) -> Match | None:
    """Slide the texture of the first cell over that of the second; None if the cells differ."""
    one, other = prints[first], prints[second]  # fingerprints
    turn, mirror = ORIENTATIONS[orientation]
    texture = np.ascontiguousarray(oriented(one.texture, turn, mirror), dtype=np.float32)
    target = other.texture.astype(np.float32)
    padded = np.pad(texture, SLIDE)
    scores = cv2.matchTemplate(padded, target, cv2.TM_CCORR)
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    down, right = SLIDE - int(row), SLIDE - int(column)
    mask = moved(oriented(one.mask, turn, mirror), down, right)
    shared = mask & other.mask
    count = int(np.count_nonzero(shared))
    if count < MIN_SHARED:
        return None
    correlation = _correlation(moved(texture, down, right)[shared], target[shared])
    if not one.framed:
        if correlation < settings.same_photograph:
            return None
    elif correlation < settings.same_texture:
        shade = float(np.vdot(oriented(one.shade, turn, mirror), other.shade))
        if correlation < settings.supported_texture or shade < settings.same_shade:
            return None
    iou = count / int(np.count_nonzero(mask | other.mask))
    shift = _shift(one, other, (right, down), turn, mirror)
    return Match(first, second, correlation, iou, shift, turn, mirror)


def _shift(
    one: Fingerprint, other: Fingerprint, slide: tuple[int, int], turn: int, mirror: bool
) -> float:
    x, y = one.offset
    x = -x if mirror else x
    for _ in range(turn):
        x, y = y, -x
    across = other.offset[0] + slide[0] * other.step - x
    along = other.offset[1] + slide[1] * other.step - y
    return float(np.hypot(across, along))


def oriented(pictures: NDArray[Any], turn: int, mirror: bool) -> NDArray[Any]:
    """Mirror images (..., H, W) left to right if `mirror`, then turn them counter-clockwise."""
    return np.rot90(pictures[..., ::-1] if mirror else pictures, turn, (-2, -1))


def moved(picture: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """Shift an image (H, W) by whole steps and fill with zeros."""
    height, width = picture.shape
    out = np.zeros_like(picture)
    out[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = picture[
        max(-down, 0) : height - max(down, 0),
        max(-right, 0) : width - max(right, 0),
    ]
    return out


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    one, other = one - one.mean(), other - other.mean()
    norms = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return float(one @ other) / norms if norms > 0 else 0.0
