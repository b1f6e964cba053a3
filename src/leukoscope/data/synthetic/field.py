"""Draw a synthetic smear field: red cells, white cells with known outlines, platelets, dirt.

The white cells are those of `cell.draw_cell`, each with or without a band of cytoplasm, on a pale
ground between red cells. Every pixel comes from a random generator. Distances are in µm, so that a
field can be drawn at any scale.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.foreground import nonblack_mask
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX
from leukoscope.data.synthetic.cell import CellParams, draw_cell
from leukoscope.data.synthetic.outline import ANGLES, outline

GROUND = (226.0, 220.0, 214.0)
RED_CELL = (206.0, 146.0, 138.0)
CYTOPLASM = (150.0, 160.0, 214.0)
PINK = (214.0, 176.0, 206.0)
LOBE = (92.0, 50.0, 140.0)
SMUDGE = (176.0, 140.0, 200.0)
RED_CELL_UM = 7.5
"""Median diameter of a red cell in a dry smear."""

Canvas = NDArray[np.float32]


@dataclass(frozen=True)
class FieldParams:
    """Contents of a field.

    Attributes:
        height, width: Pixels.
        um_per_px: Scale.
        cells: Number of white cells that stand apart.
        pairs: Number of pairs of touching white cells.
        red_cells: Number of red cells.
        neutrophils: Number of cells with a lobed nucleus.
        platelets: Number of platelets.
        dirt: Number of dark specks.
        smudges: Number of smudge cells.
        cut: Number of white cells that the border cuts.
        noise: Standard deviation of the camera's noise, gray levels.
    """

    height: int = 600
    width: int = 800
    um_per_px: float = 0.1
    cells: int = 4
    pairs: int = 0
    red_cells: int = 30
    neutrophils: int = 0
    platelets: int = 0
    dirt: int = 0
    smudges: int = 0
    cut: int = 0
    noise: float = 2.0


@dataclass(frozen=True)
class Field:
    """A drawn field.

    Attributes:
        image: uint8 RGB `(H, W, 3)`.
        outlines: int32 `(H, W)`: 0, or the number of the white cell that is to be found.
        others: int32 `(H, W)`: 0, or 1 lobed, 2 platelet, 3 dirt, 4 smudge, 5 cut by the border.
    """

    image: NDArray[np.uint8]
    outlines: NDArray[np.int32]
    others: NDArray[np.int32]


def draw_field(rng: np.random.Generator, params: FieldParams) -> Field:
    """Draw one field; the generator determines every pixel."""
    return _Drawing(rng, params).draw()


class _Drawing:
    def __init__(self, rng: np.random.Generator, params: FieldParams) -> None:
        self.rng, self.params, self.scale = rng, params, params.um_per_px
        shape = (params.height, params.width)
        self.canvas: Canvas = np.empty((*shape, 3), np.float32)
        self.canvas[:] = GROUND
        self.outlines = np.zeros(shape, np.int32)
        self.others = np.zeros(shape, np.int32)
        self.taken: list[tuple[float, float, float]] = []  # row, column, radius in px

    def draw(self) -> Field:
        params = self.params
        places: list[tuple[str, float, float]] = []
        for _ in range(params.pairs):
            y, x, turn = *self._place(11.0), self.rng.uniform(0, np.pi)
            reach = self.rng.uniform(4.9, 5.4) / self.scale
            for side in (-1, 1):
                places.append(
                    ("cell", y + side * reach * np.sin(turn), x + side * reach * np.cos(turn))
                )
        for kind, count, radius in (
            ("cell", params.cells, 6.8),
            ("lobed", params.neutrophils, 7.0),
            ("smudge", params.smudges, 8.5),
            ("platelet", params.platelets, 1.8),
            ("dirt", params.dirt, 1.2),
        ):
            places += [(kind, *self._place(radius)) for _ in range(count)]
        for number in range(params.cut):
            y = self.rng.uniform(0.2, 0.8) * params.height
            x = 0.0 if number % 2 else params.width - 1.0
            places.append(("cut", y, x))
            self.taken.append((y, x, 7 / self.scale))
        for _ in range(params.red_cells):
            self._red_cell()
        for kind, y, x in places:
            self._put(kind, y, x)
        return self._finished()

    def _place(self, radius_um: float) -> tuple[float, float]:
        """A free place for a disk, away from the border."""
        radius = radius_um / self.scale
        for _ in range(2000):
            y = self.rng.uniform(radius + 2, self.params.height - radius - 2)
            x = self.rng.uniform(radius + 2, self.params.width - radius - 2)
            if all(np.hypot(y - b, x - a) > radius + r for b, a, r in self.taken):
                self.taken.append((y, x, radius))
                return y, x
        raise ValueError("the field is too small for its contents")

    def _put(self, kind: str, y: float, x: float) -> None:
        if kind in ("cell", "cut"):
            self._white_cell(y, x, whole=kind == "cell")
        elif kind == "lobed":
            self._lobed(y, x)
        elif kind == "smudge":
            self._blob(y, x, 8.0, SMUDGE, 4, irregularity=0.25, soft=6)
        elif kind == "platelet":
            self._blob(y, x, self.rng.uniform(1.0, 1.5), (150.0, 110.0, 190.0), 2)
        else:
            self._blob(y, x, self.rng.uniform(0.5, 1.0), (40.0, 38.0, 36.0), 3)

    def _red_cell(self) -> None:
        """A disk with a pale middle, which other cells may lie upon."""
        rng, params = self.rng, self.params
        radius = RED_CELL_UM / 2 * rng.normal(1, 0.05) / self.scale
        y, x = rng.uniform(0, params.height), rng.uniform(0, params.width)
        if any(np.hypot(y - b, x - a) < 0.8 * radius + r for b, a, r in self.taken):
            return
        window, rho, _ = self._window(y, x, 1.3 * radius)
        ring = np.clip((radius - rho) / 1.5 + 0.5, 0, 1)
        pale = 1 - 0.6 * np.exp(-((rho / (0.4 * radius)) ** 2))
        absorbed = (np.array(RED_CELL) / GROUND).astype(np.float32)
        # Light passes through both where red cells overlap.
        self.canvas[window] *= absorbed ** ((ring * pale)[..., None])

    def _white_cell(self, y: float, x: float, *, whole: bool) -> None:
        rng = self.rng
        area = float(rng.lognormal(np.log(30_000), 0.12))
        params = CellParams(area=area, eccentricity=float(rng.uniform(0.2, 0.5)), irregularity=0.04)
        drawn = draw_cell(rng, params)
        cell, nucleus = _resized(drawn, nonblack_mask(drawn), CNMC_UM_PER_PX / self.scale)
        band = rng.choice([0.0, 0.3, 0.8]) / self.scale
        half = cell.shape[0] // 2
        rows, columns, inner = self._clip(round(y) - half, round(x) - half, cell.shape)
        depth = _distance_to(nucleus)
        around = np.clip(band - depth + 0.5, 0, 1)[inner]
        weight = np.clip(nucleus[inner], 0, 1)[..., None]
        free = (self.outlines[rows, columns] == 0) if whole else np.ones(around.shape, bool)
        around *= free
        part = self.canvas[rows, columns]
        part += (np.array(CYTOPLASM, np.float32) - part) * around[..., None]
        part += (cell[inner] - part) * weight * free[..., None]
        inside = ((around > 0.5) | (weight[..., 0] > 0.5)) & free
        if whole:
            self.outlines[rows, columns][inside] = int(self.outlines.max()) + 1
        else:
            self.others[rows, columns][inside] = 5

    def _lobed(self, y: float, x: float) -> None:
        self._blob(y, x, 6.0, PINK, 1)
        turn = self.rng.uniform(0, 2 * np.pi)
        for number in range(3):
            angle = turn + number * 2.0
            self._blob(
                y + 2.6 / self.scale * np.sin(angle),
                x + 2.6 / self.scale * np.cos(angle),
                self.rng.uniform(1.7, 2.1),
                LOBE,
                1,
            )

    def _blob(
        self,
        y: float,
        x: float,
        radius_um: float,
        color: tuple[float, ...],
        code: int,
        *,
        irregularity: float = 0.05,
        soft: float = 1.5,
    ) -> None:
        radius = radius_um / self.scale
        window, rho, angle = self._window(y, x, 1.5 * radius)
        edge = outline(self.rng, 10_000.0, 0.3, irregularity)
        edge = edge / np.sqrt(10_000.0 / np.pi) * radius
        weight = np.clip((edge[angle] - rho) / soft + 0.5, 0, 1)[..., None].astype(np.float32)
        self.canvas[window] += (np.array(color, np.float32) - self.canvas[window]) * weight
        self.others[window][weight[..., 0] > 0.5] = code

    def _window(
        self, y: float, x: float, reach: float
    ) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.int64]]:
        rows = slice(max(int(y - reach), 0), max(int(y + reach) + 1, 0))
        columns = slice(max(int(x - reach), 0), max(int(x + reach) + 1, 0))
        height, width = self.others[rows, columns].shape
        down = np.arange(rows.start, rows.start + height)[:, None] - y
        right = np.arange(columns.start, columns.start + width)[None] - x
        angle = (np.arctan2(down, right) * (ANGLES / (2 * np.pi))).astype(int) % ANGLES
        return (rows, columns), np.hypot(down, right), angle

    def _clip(
        self, top: int, left: int, shape: tuple[int, ...]
    ) -> tuple[slice, slice, tuple[slice, slice]]:
        """Rows and columns of the canvas that a patch covers, and the part of the patch there."""
        rows = slice(max(top, 0), min(top + shape[0], self.params.height))
        columns = slice(max(left, 0), min(left + shape[1], self.params.width))
        inner = (
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )
        return rows, columns, inner

    def _finished(self) -> Field:
        import cv2

        soft = np.asarray(cv2.GaussianBlur(self.canvas, (0, 0), 0.6), np.float32)
        soft += self.rng.standard_normal(soft.shape, dtype=np.float32) * self.params.noise
        image = np.clip(soft + 0.5, 0, 255).astype(np.uint8)
        return Field(image, self.outlines, self.others)


def _resized(
    image: NDArray[np.uint8], mask: NDArray[np.bool_], factor: float
) -> tuple[Canvas, NDArray[np.float32]]:
    """A cell at another scale, its color unmixed from the black around it, and its coverage."""
    import cv2

    side = 2 * max(1, round(image.shape[0] * factor / 2))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    cover = cv2.resize(mask.astype(np.float32), (side, side), interpolation=how)
    color = cv2.resize(image.astype(np.float32), (side, side), interpolation=how)
    unmixed = color / np.maximum(cover, 1e-3)[..., None]
    return np.asarray(unmixed, np.float32), np.asarray(cover, np.float32)


def _distance_to(cover: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    outside = (cover < 0.5).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, 5), np.float32)
