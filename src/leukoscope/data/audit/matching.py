"""Find the same cell again among many: a wide net over small pictures, then a look at each catch.

The net is a block-wise matrix product of all shades in eight orientations. The close look slides
the texture of one cell over that of the other. Nothing of size images x images is ever held.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.core.progress import track
from leukoscope.data.audit.fingerprint import Fingerprint

#: Quarter turns counter-clockwise after an optional mirror: the eight ways to lay down a square.
ORIENTATIONS = tuple((turn, mirror) for mirror in (False, True) for turn in range(4))
BLOCK = 512
SLIDE = 4  # texture steps, about 12 px of C-NMC
#: Close looks per cell and orientation, so that a cohort of look-alikes costs no more than others.
MOST_PARTNERS = 64
MIN_SHARED = 200  # texture steps two cells must share for a correlation to mean anything


@dataclass(frozen=True)
class Settings:
    """Thresholds of the search. `benchmarks/audit.py` measures what they cost on both sides.

    Attributes:
        upright_net: Correlation of shades from which a pair is looked at closely.
        turned_net: The same for turned or mirrored pairs, seven times as many and seldom real.
        photograph_net: The same where the images have no black border, and much in common.
        same_texture: Correlation of textures from which two cells are one.
        same_shade: Correlation of shades that, where reached too, lets a lesser texture pass.
        supported_texture: That lesser correlation; a change of focus takes texture before shade.
        same_photograph: Correlation of textures asked where a black border is missing, for then
            more than the cell is compared.
        area_ratio: Smaller over larger area below which a pair is passed over.
    """

    upright_net: float = 0.5
    turned_net: float = 0.6
    photograph_net: float = 0.95
    same_texture: float = 0.77
    same_shade: float = 0.82
    supported_texture: float = 0.65
    same_photograph: float = 0.995
    area_ratio: float = 0.7


@dataclass(frozen=True)
class Match:
    """Two images of one cell.

    Attributes:
        first: Row of the one.
        second: Row of the other, larger than `first`.
        correlation: Of the textures, at the best slide.
        outline_iou: Overlap of the outlines at that slide, intersection over union.
        shift: How far the cell moved in the frame, in original pixels, apart from the turn.
        turn: Quarter turns from the first to the second, counter-clockwise.
        mirror: Whether the first is mirrored before it is turned.
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
        """The orientation in words: "90", "mirrored 180"."""
        return f"{'mirrored ' if self.mirror else ''}{90 * self.turn}"


def find_matches(
    prints: Sequence[Fingerprint], settings: Settings | None = None, *, jobs: int = 2
) -> list[Match]:
    """All pairs of fingerprints that show one cell, each pair once, at its best orientation.

    Args:
        prints: One per image, drawn at one step.
        settings: Thresholds.
        jobs: Threads for the close look.

    Returns:
        Matches ordered by row.
    """
    settings = settings or Settings()
    best: dict[tuple[int, int], Match] = {}

    def look(catch: tuple[int, int, int]) -> Match | None:
        return compare(prints, *catch, settings)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        catches = track(_all_candidates(prints, settings), "Comparing cells")
        while batch := list(islice(catches, 4096)):
            for match in filter(None, pool.map(look, batch)):
                key = (match.first, match.second)
                if key not in best or match.correlation > best[key].correlation:
                    best[key] = match
    return [best[key] for key in sorted(best)]


def _all_candidates(
    prints: Sequence[Fingerprint], settings: Settings
) -> Iterator[tuple[int, int, int]]:
    # A cell on black and a photograph are never paired.
    for framed in (True, False):
        rows = [row for row, p in enumerate(prints) if p.framed == framed]
        for first, second, orientation in candidates([prints[row] for row in rows], settings):
            yield rows[first], rows[second], orientation


def candidates(prints: Sequence[Fingerprint], settings: Settings) -> Iterator[tuple[int, int, int]]:
    """Pairs alike enough for a close look.

    Args:
        prints: All with a black border, or all without.
        settings: Thresholds.

    Yields:
        first row, second row (larger), orientation number of the first as seen from the second.
    """
    if len(prints) < 2:
        return
    areas = np.array([p.area for p in prints])
    order = np.argsort(areas, kind="stable")
    areas = areas[order]
    shades = np.stack([prints[row].shade for row in order])
    flat = shades.reshape(len(prints), -1)
    nets = np.full(len(ORIENTATIONS), settings.turned_net)
    nets[0] = settings.upright_net
    if not prints[0].framed:
        nets[:] = settings.photograph_net
    for start in range(0, len(prints), BLOCK):
        stop = min(start + BLOCK, len(prints))
        # Sorted by area, the partners of a cell run from the next one to the last similar one.
        ends = np.searchsorted(areas, areas[start:stop] / settings.area_ratio, side="right")
        columns = np.arange(start, ends[-1])[None]
        partner = (columns > np.arange(start, stop)[:, None]) & (columns < ends[:, None])
        for number, (turn, mirror) in enumerate(ORIENTATIONS):
            block = oriented(shades[start:stop], turn, mirror).reshape(stop - start, -1)
            alike = block @ flat[start : ends[-1]].T
            for a, b in _caught(alike, partner & (alike > nets[number])):
                first, second = int(order[a + start]), int(order[b + start])
                if first < second:
                    yield first, second, number
                else:
                    # Seen from the other cell a turn goes the other way; a mirror undoes itself.
                    yield second, first, ORIENTATIONS.index((turn if mirror else -turn % 4, mirror))


def _caught(alike: NDArray[np.float32], over: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(M, 2) rows and columns where `over`, of each row the `MOST_PARTNERS` most alike at most."""
    for row in np.flatnonzero(np.count_nonzero(over, axis=1) > MOST_PARTNERS):
        likeness = np.where(over[row], alike[row], -np.inf)
        over[row] = False
        over[row, np.argsort(-likeness, kind="stable")[:MOST_PARTNERS]] = True
    return np.argwhere(over)


def compare(
    prints: Sequence[Fingerprint],
    first: int,
    second: int,
    orientation: int,
    settings: Settings,
) -> Match | None:
    """Slide the first cell's texture over the second's; the match, or None where they differ."""
    one, other = prints[first], prints[second]
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
    """Pictures (..., H, W) mirrored left to right if asked, then turned counter-clockwise."""
    return np.rot90(pictures[..., ::-1] if mirror else pictures, turn, (-2, -1))


def moved(picture: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """The picture (H, W) moved by whole steps, zeros coming in."""
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
