"""Draw one synthetic cell: outline, chromatin, nucleoli, stain, focus, cytoplasm, faults.

Not a real cell and no copy of one: every pixel comes from a random generator. What is drawn
measures (`measures.measure_cell`) as the parameters say, for each part is scaled to its wanted
figure in closed form rather than by trial.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.synthetic.measures import BAND_SCALES, RIM
from leukoscope.data.synthetic.outline import ANGLES, REACH, crescent, outline, shreds
from leukoscope.data.synthetic.statistics import load_statistics

Floats = NDArray[np.floating[Any]]

FRAME = 450  # px, side of the official training images
_DEPTHS = np.arange(-24.0, 100.0, 0.5)  # px inside the edge; negative is cytoplasm
_CYTOPLASM = np.array([1.20, 2.30, 1.50])  # pale blue, relative to the middle of the cell
_EDGE_SHADE = np.float32(0.55)  # brightness of the outermost pixel relative to the next
_RED_CELL = np.array([1.60, 2.80, 1.20])  # a piece of an erythrocyte
_RINGS = (0.40, 0.10, 0.05, 0.02)  # cycles per px at which the four parts of the texture lie
_RING_WIDTH = 0.3  # in ln frequency: narrow, or the coarse parts would fill the fine bands
_BESIDES = np.square([0.20, 0.22, 0.46, 0.68])  # band variance of a cell with rim but no texture


@dataclass(frozen=True)
class CellParams:
    """What one cell should look like.

    Attributes:
        area: px, before segmentation faults.
        eccentricity: of the ellipse of second moments, 0 (round) to below 1.
        irregularity: part of the area by which the outline departs from that ellipse.
        stain: mean R, G, B on the cell, in gray levels.
        bands: standard deviation (gray levels) of the four texture bands of `measure_cell`.
        skewness: of the texture; positive is bright clumps on a dark ground.
        rim: green near the edge relative to the green inside.
        nucleoli: how many pale round spots.
        cytoplasm: width in px of a pale crescent on one side, 0 for none.
        shreds: how many ragged bits of cytoplasm stick out.
        bites: how many notches the segmentation has cut into the edge.
        cut: part of the diameter lost to a straight edge, 0 for none.
        neighbor: "", "nucleus" or "red cell": what was left of a touching cell.
        defocus: px, Gaussian blur beyond the focus that `bands` already shows.
        shift: px, (down, right) of the cell's middle from the frame's.
    """

    area: float = 33_000.0
    eccentricity: float = 0.5
    irregularity: float = 0.06
    stain: tuple[float, float, float] = (68.0, 29.0, 79.0)
    bands: tuple[float, float, float, float] = (0.69, 0.50, 0.95, 1.50)
    skewness: float = 0.5
    rim: float = 1.6
    nucleoli: int = 1
    cytoplasm: float = 0.0
    shreds: int = 0
    bites: int = 0
    cut: float = 0.0
    neighbor: str = ""
    defocus: float = 0.0
    shift: tuple[int, int] = (0, 0)


def draw_cell(rng: np.random.Generator, params: CellParams) -> NDArray[np.uint8]:
    """Draw one cell on pure black.

    The generator is used the same way whatever `stain` and `defocus` say, so equal generators with
    another stain or focus give the same cell photographed or normalized again.

    Args:
        rng: source of all chance; its state alone decides the details.
        params: what the cell should look like.

    Returns:
        uint8 RGB `(450, 450, 3)`; background 0, every pixel of the cell has a channel above 0.
    """
    nucleus = outline(rng, params.area, params.eccentricity, params.irregularity)
    outer = shreds(rng, nucleus, params.shreds)
    nucleus = crescent(rng, nucleus, params.cytoplasm)
    half = min(int(outer.max()) + (40 if params.neighbor else 3), REACH)
    rho, angle = _polar(half)
    depth = nucleus[angle] - rho
    mask = rho < outer[angle]

    _bite(rng, depth, mask, params.bites, half)
    neighbor = _neighbor(rng, depth, mask, params.neighbor, half)
    _cut(rng, mask, params.cut, half)

    texture = _chromatin(rng, params, 2 * half)
    _add_nucleoli(rng, texture, params, float(nucleus.mean()))
    texture *= np.clip(depth * 0.2, 0.2, 1.0)  # chromatin is in the nucleus only

    cell = _paint(params, depth, mask, neighbor, texture)
    frame = np.zeros((FRAME, FRAME, 3), np.uint8)
    top, left = (FRAME // 2 - half + _clip_shift(s, half) for s in params.shift)
    frame[top : top + 2 * half, left : left + 2 * half] = cell
    return frame


def _clip_shift(shift: int, half: int) -> int:
    room = FRAME // 2 - half
    return int(np.clip(shift, -room, room))


@lru_cache(maxsize=1)
def _full_polar() -> tuple[Floats, NDArray[np.uint16]]:
    steps = np.arange(-REACH, REACH, dtype=np.float32) + 0.5
    y, x = steps[:, None], steps[None]
    angle = np.arctan2(y, x) * (ANGLES / (2 * np.pi))
    return np.hypot(y, x), (np.floor(angle).astype(int) % ANGLES).astype(np.uint16)


def _polar(half: int) -> tuple[Floats, NDArray[np.uint16]]:
    """Distance and angle step of each pixel from the middle of a `2 half` square."""
    inner = slice(REACH - half, REACH + half)
    rho, angle = _full_polar()
    return rho[inner, inner], angle[inner, inner]


def _bite(
    rng: np.random.Generator, depth: Floats, mask: NDArray[np.bool_], count: int, half: int
) -> None:
    rho, angle = _polar(half)
    for _ in range(count):
        place, size = int(rng.integers(ANGLES)), rng.uniform(5, 14)
        at = rho[angle == place]
        edge = float(at[mask[angle == place]].max(initial=1.0))
        turn = (place + 0.5) * 2 * np.pi / ANGLES
        y, x = (half + (edge + size * rng.uniform(-0.4, 0.5)) * f(turn) for f in (np.sin, np.cos))
        steps = np.arange(2 * half, dtype=np.float32) + 0.5
        gap = np.hypot(steps[:, None] - y, steps[None] - x) - size
        np.minimum(depth, np.maximum(gap, 0), out=depth, where=mask & (depth > 0))
        mask &= gap > 0


def _neighbor(
    rng: np.random.Generator, depth: Floats, mask: NDArray[np.bool_], kind: str, half: int
) -> NDArray[np.bool_]:
    """Join what is left of a touching cell, cut off by the straight border of the cell's tile.

    Returns:
        bool, where a piece of a red cell lies; a neighbor's nucleus is painted as the cell's own.
    """
    piece = np.zeros_like(mask)
    if not kind:
        return piece
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    turn, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.8) * half
    distance = 0.5 * max(np.ptp(rows), np.ptp(cols)) + size * rng.uniform(0.55, 0.8)
    steps = np.arange(2 * half, dtype=np.float32) + 0.5
    y, x = half + distance * np.sin(turn), half + distance * np.cos(turn)
    inside = size - np.hypot(steps[:, None] - y, steps[None] - x)
    reach = int(rng.integers(2, 16))
    tile = np.s_[
        max(rows[0] - reach, 0) : rows[-1] + reach, max(cols[0] - reach, 0) : cols[-1] + reach
    ]
    piece[tile] = (inside[tile] > 0) & ~mask[tile]
    mask |= piece
    if kind == "nucleus":
        depth[piece] = inside[piece]
        piece[:] = False
    return piece


def _cut(rng: np.random.Generator, mask: NDArray[np.bool_], part: float, half: int) -> None:
    side = int(rng.integers(4))
    if part <= 0:
        return
    turned = np.rot90(mask, side)
    rows = np.flatnonzero(turned.any(axis=1))
    turned[: rows[0] + int(part * len(rows))] = False


@lru_cache(maxsize=32)
def _spectra(size: int) -> tuple[Floats, Floats, Floats]:
    """Unit-variance spectrum of each ring, what each measured band sees of each, and |f|^2."""
    f2 = np.fft.fftfreq(size)[:, None] ** 2 + np.fft.rfftfreq(size)[None] ** 2
    twice = np.full(f2.shape[1], 2.0)  # a real field's half spectrum counts twice ...
    twice[[0, -1]] = 1.0  # ... but for the first and the last column
    passed = [np.exp(-2 * np.pi**2 * s**2 * f2) for s in BAND_SCALES]
    seen = [(a - b) ** 2 for a, b in pairwise(passed)]
    log_f = 0.5 * np.log(np.maximum(f2, 1e-9))
    rings = [np.exp(-0.5 * ((log_f - np.log(ring)) / _RING_WIDTH) ** 2) for ring in _RINGS]
    blotches = np.minimum(np.sqrt(f2) / _RINGS[-1], 1.0)  # the coarsest goes on below its ring
    rings[-1] = np.where(f2 < _RINGS[-1] ** 2, blotches, rings[-1])
    basis = np.array([ring / np.sum(ring * twice) for ring in rings])
    mixing = np.array([[np.sum(s * b * twice) for b in basis] for s in seen])
    return basis.astype(np.float32), mixing, f2.astype(np.float32)


def _chromatin(rng: np.random.Generator, params: CellParams, side: int) -> Floats:
    """Random texture `(side, side)` of mean 0 that measures the wanted bands: grain plus clumps."""
    size = -(-side // 32) * 32
    basis, mixing, f2 = _spectra(size)
    besides = _BESIDES * _rim_strength(params) ** 2
    wanted = np.maximum(np.square(params.bands) - besides, 0.02)
    share = np.maximum(np.linalg.solve(mixing, wanted), 0)
    power = share[:, None, None] * basis
    # The finest part is mostly noise of the camera, which no focus blurs.
    power[1:] *= np.exp(-4 * np.pi**2 * params.defocus**2 * f2)
    grain, clumps = (_field(rng, part, size)[:side, :side] for part in (power[:2], power[2:]))
    # A little of the square bends the bell to the wanted skewness, about 6 times as much as that.
    # The band that is measured keeps two thirds of it, and a strong rim takes some away.
    by_rim = 0.08 + 0.6 * (_rim_strength(params) - 0.86)
    bend = np.clip((params.skewness + by_rim) / 0.67, -1.8, 1.8) / 6
    variance = float(share[2:].sum())
    clumps += (bend / np.sqrt(variance + 1e-9)) * (clumps * clumps - variance)
    return np.asarray(grain + clumps / np.float32(np.sqrt(1 + 2 * bend**2)))


def _field(rng: np.random.Generator, power: Floats, size: int) -> Floats:
    """A normal random field `(size, size)` whose spectrum is the sum of those in `power`."""
    amplitude = (np.sqrt(power.sum(axis=0)) * (size * size / np.sqrt(2))).astype(np.float32)
    noise = rng.standard_normal((*amplitude.shape, 2), dtype=np.float32).view(np.complex64)
    return np.asarray(np.fft.irfft2(noise[..., 0] * amplitude, s=(size, size)))


def _add_nucleoli(
    rng: np.random.Generator, texture: Floats, params: CellParams, radius: float
) -> None:
    half = texture.shape[0] // 2
    for _ in range(params.nucleoli):
        turn, away = rng.uniform(0, 2 * np.pi), radius * 0.7 * np.sqrt(rng.uniform())
        sharp = rng.uniform(4.5, 8.5)
        height = 9.0 * params.bands[3] * rng.uniform(0.7, 1.5)
        width = np.hypot(sharp, params.defocus)
        height *= (sharp / width) ** 2
        y, x = int(half + away * np.sin(turn)), int(half + away * np.cos(turn))
        reach = int(3 * width)
        window = np.s_[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        rows, cols = np.ogrid[window]
        texture[window] += height * np.exp(
            -((rows - y) ** 2 + (cols - x) ** 2) / np.float32(2 * width**2)
        )


@lru_cache(maxsize=1)
def _depth_colors() -> tuple[Floats, float]:
    """Relative RGB at each of `_DEPTHS`: measured rim, cytoplasm outside; and the rim's green."""
    figures = load_statistics()
    rim = np.stack([np.interp(_DEPTHS, figures.rim_depth, c) for c in figures.rim.T], axis=1)
    # The outermost pixel is darker from being cut out of its background; `_paint` sees to that.
    second = RIM[0] + 0.5
    rim = np.where(_DEPTHS[:, None] < second, rim[np.isclose(_DEPTHS, second)], rim)
    outside = np.clip(0.5 - _DEPTHS / 6, 0, 1)[:, None]
    low, high = np.searchsorted(_DEPTHS, RIM)
    green = rim[low + 1 : high, 1].mean()
    return (rim * (1 - outside) + _CYTOPLASM * outside).astype(np.float32), float(green)


def _outermost(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return mask & ~inner


def _rim_strength(params: CellParams) -> float:
    return (params.rim - 1) / (_depth_colors()[1] - 1)


def _paint(
    params: CellParams,
    depth: Floats,
    mask: NDArray[np.bool_],
    red_cell: NDArray[np.bool_],
    texture: Floats,
) -> NDArray[np.uint8]:
    """Stain the cell so that its mean color is exactly `params.stain`, but for rounding."""
    figures = load_statistics()
    step = np.clip((depth[mask] - _DEPTHS[0]) * 2, 0, len(_DEPTHS) - 1).astype(np.int32)
    shades = 1 + (_depth_colors()[0] - 1) * np.float32(_rim_strength(params))
    relative = np.maximum(shades, 0.3)[step]  # (n, 3)
    relative[red_cell[mask]] = _RED_CELL
    relative[_outermost(mask)[mask]] *= _EDGE_SHADE
    gray = texture[mask]
    # The color that gray does not explain: another part of the same field, so independent of it.
    other = np.roll(texture, texture.shape[0] // 2, axis=(0, 1))[mask]
    residual = figures.residual * np.array([1.0, -1.0, -1.0])
    residual -= residual.mean()  # or it would change the gray level
    color = np.outer(gray - gray.mean(), figures.chroma.astype(np.float32))
    color += np.outer(other - other.mean(), residual.astype(np.float32))
    color += relative * (params.stain / relative.mean(axis=0)).astype(np.float32)
    cell = np.zeros((*mask.shape, 3), np.uint8)
    cell[mask] = np.clip(color + 0.5, 1, 255).astype(np.uint8)
    return cell
