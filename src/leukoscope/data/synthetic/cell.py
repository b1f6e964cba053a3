"""Draw one synthetic cell: outline, chromatin, nucleoli, stain, focus, cytoplasm, artifacts.

It is neither a real cell nor a copy of one: every pixel comes from a random generator. Each
component is scaled in closed form, so that the measures of the drawn cell (`measures.measure_cell`)
are those of the parameters.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.synthetic.measures import BAND_SCALES, RIM_DEPTHS
from leukoscope.data.synthetic.outline import ANGLES, REACH, crescent, outline, shreds
from leukoscope.data.synthetic.statistics import load_statistics

Floats = NDArray[np.floating[Any]]

FRAME = 450  # px, side of the official training images
_DEPTHS = np.arange(-24.0, 100.0, 0.5)  # px inside the edge; cytoplasm where negative
_CYTOPLASM = np.array([1.20, 2.30, 1.50])  # pale blue, relative to the middle of the cell
_EDGE_SHADE = np.float32(0.55)  # brightness of the outermost pixel relative to the next
_RED_CELL = np.array([1.60, 2.80, 1.20])  # a piece of an erythrocyte
_RINGS = (0.40, 0.10, 0.05, 0.02)  # center frequencies of the four texture components, 1/px
_RING_WIDTH = 0.3  # in ln frequency; wider coarse components would leak into the fine bands
_RIM_VARIANCE = np.square([0.20, 0.22, 0.46, 0.68])  # of the bands of a cell without texture


@dataclass(frozen=True)
class CellParams:
    """Parameters of one cell.

    Attributes:
        area: Area in px, before segmentation artifacts.
        eccentricity: Eccentricity of the ellipse of second moments, 0 (round) to below 1.
        irregularity: Fraction of the area by which the outline differs from that ellipse.
        stain: Mean R, G, B on the cell, in gray levels.
        bands: Standard deviation (gray levels) of the four texture bands of `measure_cell`.
        skewness: Skewness of the texture; positive: bright clumps on dark background.
        rim: Green near the edge relative to the green inside.
        nucleoli: Number of pale round spots.
        cytoplasm: Width in px of a pale crescent on one side, 0 for none.
        shreds: Number of ragged protrusions of cytoplasm.
        bites: Number of notches in the edge from segmentation.
        cut: Fraction of the diameter lost to a straight edge, 0 for none.
        neighbor: Remainder of a touching cell: "", "nucleus" or "red cell".
        defocus: Gaussian blur in px beyond the focus that `bands` already includes.
        shift: Offset (down, right) of the cell from the center of the frame, px.
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

    The use of the generator does not depend on `stain` and `defocus`. So generators of equal state
    with another stain or focus give another image of the same cell.

    Args:
        rng: Random generator; its state determines all details.
        params: Parameters of the cell.

    Returns:
        uint8 RGB `(450, 450, 3)`; the background is 0, and every pixel of the cell has a channel
        above 0.
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
    texture *= np.clip(depth * 0.2, 0.2, 1.0)  # chromatin is only in the nucleus

    cell = _paint(params, depth, mask, neighbor, texture)
    frame = np.zeros((FRAME, FRAME, 3), np.uint8)
    top, left = (FRAME // 2 - half + _clip_shift(s, half) for s in params.shift)
    frame[top : top + 2 * half, left : left + 2 * half] = cell
    return frame


def _clip_shift(shift: int, half: int) -> int:
    margin = FRAME // 2 - half
    return int(np.clip(shift, -margin, margin))


@lru_cache(maxsize=1)
def _full_polar() -> tuple[Floats, NDArray[np.uint16]]:
    steps = np.arange(-REACH, REACH, dtype=np.float32) + 0.5
    y, x = steps[:, None], steps[None]
    angle = np.arctan2(y, x) * (ANGLES / (2 * np.pi))
    return np.hypot(y, x), (np.floor(angle).astype(int) % ANGLES).astype(np.uint16)


def _polar(half: int) -> tuple[Floats, NDArray[np.uint16]]:
    """Distance and angle step of each pixel from the center of a `2 half` square."""
    inner = slice(REACH - half, REACH + half)
    rho, angle = _full_polar()
    return rho[inner, inner], angle[inner, inner]


def _bite(
    rng: np.random.Generator, depth: Floats, mask: NDArray[np.bool_], count: int, half: int
) -> None:
    rho, angle = _polar(half)
    for _ in range(count):
        place, size = int(rng.integers(ANGLES)), rng.uniform(5, 14)
        ray = angle == place
        edge = float(rho[ray][mask[ray]].max(initial=1.0))
        turn = (place + 0.5) * 2 * np.pi / ANGLES
        y, x = (half + (edge + size * rng.uniform(-0.4, 0.5)) * f(turn) for f in (np.sin, np.cos))
        steps = np.arange(2 * half, dtype=np.float32) + 0.5
        gap = np.hypot(steps[:, None] - y, steps[None] - x) - size
        np.minimum(depth, np.maximum(gap, 0), out=depth, where=mask & (depth > 0))
        mask &= gap > 0


def _neighbor(
    rng: np.random.Generator, depth: Floats, mask: NDArray[np.bool_], kind: str, half: int
) -> NDArray[np.bool_]:
    """Add the remainder of a touching cell, cut by the straight border of the segmentation tile.

    Returns:
        Mask of a piece of a red cell; the nucleus of a neighbor is painted like the cell itself.
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


def _cut(rng: np.random.Generator, mask: NDArray[np.bool_], fraction: float, half: int) -> None:
    side = int(rng.integers(4))
    if fraction <= 0:
        return
    turned = np.rot90(mask, side)
    rows = np.flatnonzero(turned.any(axis=1))
    turned[: rows[0] + int(fraction * len(rows))] = False


@lru_cache(maxsize=32)
def _spectra(size: int) -> tuple[Floats, Floats, Floats]:
    """Unit-variance spectrum of each ring, its variance in each measured band, and |f|^2."""
    f2 = np.fft.fftfreq(size)[:, None] ** 2 + np.fft.rfftfreq(size)[None] ** 2
    twice = np.full(f2.shape[1], 2.0)  # a real field's half spectrum counts twice ...
    twice[[0, -1]] = 1.0  # ... but for the first and the last column
    passed = [np.exp(-2 * np.pi**2 * s**2 * f2) for s in BAND_SCALES]
    seen = [(a - b) ** 2 for a, b in pairwise(passed)]
    log_f = 0.5 * np.log(np.maximum(f2, 1e-9))
    rings = [np.exp(-0.5 * ((log_f - np.log(ring)) / _RING_WIDTH) ** 2) for ring in _RINGS]
    blotches = np.minimum(np.sqrt(f2) / _RINGS[-1], 1.0)  # the coarsest extends below its ring
    rings[-1] = np.where(f2 < _RINGS[-1] ** 2, blotches, rings[-1])
    basis = np.array([ring / np.sum(ring * twice) for ring in rings])
    mixing = np.array([[np.sum(s * b * twice) for b in basis] for s in seen])
    return basis.astype(np.float32), mixing, f2.astype(np.float32)


def _chromatin(rng: np.random.Generator, params: CellParams, side: int) -> Floats:
    """Draw a texture `(side, side)` of mean 0 with the wanted bands: grain plus clumps."""
    size = -(-side // 32) * 32
    basis, mixing, f2 = _spectra(size)
    from_rim = _RIM_VARIANCE * _rim_strength(params) ** 2
    wanted = np.maximum(np.square(params.bands) - from_rim, 0.02)
    weight = np.maximum(np.linalg.solve(mixing, wanted), 0)
    power = weight[:, None, None] * basis
    # The finest component is mostly camera noise, which defocus does not blur.
    power[1:] *= np.exp(-4 * np.pi**2 * params.defocus**2 * f2)
    grain, clumps = (_field(rng, part, size)[:side, :side] for part in (power[:2], power[2:]))
    # Adding a fraction of the square makes the distribution skewed, by about 6 times that fraction.
    # The measured band keeps two thirds of it, and a strong rim reduces it.
    by_rim = 0.08 + 0.6 * (_rim_strength(params) - 0.86)
    bend = np.clip((params.skewness + by_rim) / 0.67, -1.8, 1.8) / 6
    variance = float(weight[2:].sum())
    clumps += (bend / np.sqrt(variance + 1e-9)) * (clumps * clumps - variance)
    return np.asarray(grain + clumps / np.float32(np.sqrt(1 + 2 * bend**2)))


def _field(rng: np.random.Generator, power: Floats, size: int) -> Floats:
    """Draw a normal random field `(size, size)` whose power spectrum is the sum of `power`."""
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
        window = tuple(
            slice(max(at - reach, 0), min(at + reach + 1, len(texture))) for at in (y, x)
        )
        rows, cols = np.ogrid[window]
        texture[window] += height * np.exp(
            -((rows - y) ** 2 + (cols - x) ** 2) / np.float32(2 * width**2)
        )


@lru_cache(maxsize=1)
def _depth_colors() -> tuple[Floats, float]:
    """Relative RGB at each of `_DEPTHS` (measured rim, cytoplasm outside), and green of the rim."""
    stats = load_statistics()
    rim = np.stack([np.interp(_DEPTHS, stats.rim_depth, c) for c in stats.rim.T], axis=1)
    # Segmentation makes the outermost pixel darker; `_paint` adds that.
    second = RIM_DEPTHS[0] + 0.5
    rim = np.where(_DEPTHS[:, None] < second, rim[np.isclose(_DEPTHS, second)], rim)
    outside = np.clip(0.5 - _DEPTHS / 6, 0, 1)[:, None]
    low, high = np.searchsorted(_DEPTHS, RIM_DEPTHS)
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
    """Stain the cell so that its mean color is `params.stain`, up to rounding."""
    stats = load_statistics()
    step = np.clip((depth[mask] - _DEPTHS[0]) * 2, 0, len(_DEPTHS) - 1).astype(np.int32)
    shades = 1 + (_depth_colors()[0] - 1) * np.float32(_rim_strength(params))
    relative = np.maximum(shades, 0.3)[step]  # (n, 3)
    relative[red_cell[mask]] = _RED_CELL
    relative[_outermost(mask)[mask]] *= _EDGE_SHADE
    gray = texture[mask]
    # Color that gray does not explain: a shifted copy of the same field, independent of it.
    other = np.roll(texture, texture.shape[0] // 2, axis=(0, 1))[mask]
    residual = stats.residual * np.array([1.0, -1.0, -1.0])
    residual -= residual.mean()  # so that it does not change the gray level
    color = np.outer(gray - gray.mean(), stats.chroma.astype(np.float32))
    color += np.outer(other - other.mean(), residual.astype(np.float32))
    color += relative * (params.stain / relative.mean(axis=0)).astype(np.float32)
    cell = np.zeros((*mask.shape, 3), np.uint8)
    cell[mask] = np.clip(color + 0.5, 1, 255).astype(np.uint8)
    return cell
