"""Find the same cell again among many: a wide net over small pictures, then a close look at each catch.

The net is a block-wise matrix product of all fingerprints in eight orientations. The close look slides the
texture of one cell over that of the other. Nothing of size images x images is ever held.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.data.fingerprint import Fingerprint
from leukoscope.progress import track

#: Quarter turns counter-clockwise, after an optional mirror: the eight ways to lay a square on itself.
ORIENTATIONS = tuple((turn, mirror) for mirror in (False, True) for turn in range(4))
BLOCK = 512
SLIDE = 4  # texture steps, about 12 px of C-NMC
MIN_SHARED = 200  # texture steps two cells must share for a correlation to mean anything


@dataclass(frozen=True)
class Settings:
    """Thresholds of the search. `benchmarks/audit.py` measures what they cost on both sides.

    Attributes:
        upright_net: Correlation of shades from which a pair is looked at closely.
        turned_net: The same for turned or mirrored pairs, seven times as many and seldom real.
        same_texture: Correlation of textures from which two cells are one.
        same_shade: Correlation of shades that, where reached too, lets a lesser texture pass.
        supported_texture: That lesser correlation; a change of focus takes texture before shade.
        same_photograph: The same where a black border is missing, so more than the cell is compared.
        area_ratio: Smaller over larger area below which a pair is passed over.
    """

    upright_net: float = 0.5
    turned_net: float = 0.6
    same_texture: float = 0.75
    same_shade: float = 0.7
    supported_texture: float = 0.62
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
        slide: Texture steps (down, right) from centroid on centroid to the best fit.
        turn: Quarter turns from the first to the second, counter-clockwise.
        mirror: Whether the first is mirrored before it is turned.
    """

    first: int
    second: int
    correlation: float
    outline_iou: float
    slide: tuple[int, int]
    turn: int
    mirror: bool

    @property
    def turned(self) -> str:
        """The orientation in words: "90", "mirrored 180"."""
        return f"{'mirrored ' if self.mirror else ''}{90 * self.turn}"

    def shift(self, first: Fingerprint, second: Fingerprint, step: float) -> float:
        """How far the cell moved in the frame, in original pixels, apart from the turn about its centre."""
        x, y = first.offset
        x = -x if self.mirror else x
        for _ in range(self.turn):
            x, y = y, -x
        down, right = self.slide
        across, along = (
            second.offset[0] + right * step - x,
            second.offset[1] + down * step - y,
        )
        return float(np.hypot(across, along))


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
        first, second, orientation = catch
        return compare(prints, first, second, orientation, settings)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        catches = track(candidates(prints, settings), "Comparing cells")
        while batch := list(islice(catches, 4096)):
            for match in filter(None, pool.map(look, batch)):
                key = (match.first, match.second)
                if key not in best or match.correlation > best[key].correlation:
                    best[key] = match
    return [best[key] for key in sorted(best)]


def candidates(prints: Sequence[Fingerprint], settings: Settings) -> Iterator[tuple[int, int, int]]:
    """Pairs alike enough for a close look: (first, second, orientation number), first < second."""
    if len(prints) < 2:
        return
    areas = np.array([p.area for p in prints])
    order = np.argsort(areas, kind="stable")
    areas = areas[order]
    shades = np.stack([prints[row].shade for row in order])
    flat = shades.reshape(len(prints), -1)
    for start in range(0, len(prints), BLOCK):
        stop = min(start + BLOCK, len(prints))
        # Sorted by area, the partners of a block run from its first row to the largest similar cell.
        last = int(np.searchsorted(areas, areas[stop - 1] / settings.area_ratio, side="right"))
        later = np.arange(start, last)[None] > np.arange(start, stop)[:, None]
        for number, (turn, mirror) in enumerate(ORIENTATIONS):
            block = oriented(shades[start:stop], turn, mirror).reshape(stop - start, -1)
            net = settings.upright_net if number == 0 else settings.turned_net
            rows, columns = np.nonzero(later & (block @ flat[start:last].T > net))
            for a, b in zip(order[rows + start], order[columns + start], strict=True):
                # A mirror image is its own inverse; a turn taken from the other side goes the other way.
                seen = (
                    ORIENTATIONS.index((turn if mirror else -turn % 4, mirror)) if a > b else number
                )
                yield int(min(a, b)), int(max(a, b)), seen


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
    padded = cv2.copyMakeBorder(texture, *[SLIDE] * 4, cv2.BORDER_CONSTANT, value=0.0)
    scores = cv2.matchTemplate(padded, target, cv2.TM_CCORR)
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    down, right = SLIDE - int(row), SLIDE - int(column)
    mask = moved(oriented(one.mask, turn, mirror), down, right)
    shared = mask & other.mask
    count = int(np.count_nonzero(shared))
    if count < MIN_SHARED:
        return None
    correlation = _correlation(moved(texture, down, right)[shared], target[shared])
    if correlation < settings.same_texture and one.framed and other.framed:
        shade = float(np.vdot(oriented(one.shade, turn, mirror), other.shade))
        if correlation < settings.supported_texture or shade < settings.same_shade:
            return None
    elif correlation < settings.same_photograph and not (one.framed and other.framed):
        return None
    iou = count / int(np.count_nonzero(mask | other.mask))
    return Match(first, second, correlation, iou, (down, right), turn, mirror)


def oriented(pictures: NDArray[Any], turn: int, mirror: bool) -> NDArray[Any]:
    """Pictures mirrored left to right if asked, then turned counter-clockwise, over the last two axes."""
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
