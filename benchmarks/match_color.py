"""Does matching of color help cells of another stain, and does it damage C-NMC's own?

    python benchmarks/match_color.py CELLS [--cells 200] [--seed 0]

CELLS is a folder of C-NMC images. A stain of another laboratory is simulated on the density of the
cell's pixels: each color is absorbed more or less, with a cast of the camera. The original cells,
and those of each such stain, are predicted as they are and after `ColorMatch`, fitted to all of
them together as `leukoscope cells --match-color` does. The table has the median distance to the
training cells in the embedding of the shipped model, the fractions `not a cell` and `uncertain`,
and the fraction of verdicts that are those of the original cells.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from leukoscope.data.imaging.image import decode
from leukoscope.data.smear.match_color import color_moments, fit_match
from leukoscope.inference.predictor import Predictor

Cell = np.ndarray

STAINS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "paler (density x 0.75)": ((0.75, 0.75, 0.75), (0, 0, 0)),
    "darker (density x 1.2)": ((1.2, 1.2, 1.2), (0, 0, 0)),
    "bluer": ((1.1, 1.0, 0.7), (0.02, 0, -0.05)),
    "redder": ((0.8, 1.05, 1.15), (-0.03, 0, 0.03)),
}
"""Factors and offsets of the density of red, green and blue."""


def stained(cell: Cell, gain: tuple[float, ...], cast: tuple[float, ...]) -> Cell:
    inside = cell.any(axis=2)
    density = -np.log10((cell[inside].astype(float) + 1) / 256) * gain + cast
    changed = np.zeros_like(cell)
    changed[inside] = np.clip(np.round(256 * 10**-density - 1), 1, 255).astype(np.uint8)
    return changed


def matched(cells: list[Cell]) -> list[Cell]:
    match = fit_match([color_moments(cell) for cell in cells])
    assert match is not None
    return [match(cell) for cell in cells]


def row(model: Predictor, name: str, cells: list[Cell], before: list[str]) -> list[str]:
    predictions = list(model.stream(cells))
    verdicts = [str(prediction.verdict) for prediction in predictions]
    distances = [p.distance for p in predictions if p.distance is not None]
    same = np.mean([a == b for a, b in zip(verdicts, before or verdicts, strict=True)])
    print(
        f"| {name} | {np.median(distances):.2f} | {verdicts.count('not a cell') / len(cells):.0%} "
        f"| {verdicts.count('uncertain') / len(cells):.0%} | {same:.0%} |",
        flush=True,
    )
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    paths = sorted(options.folder.rglob("*.bmp"))
    chosen = np.random.default_rng(options.seed).permutation(len(paths))[: options.cells]
    cells = [decode(paths[number]) for number in chosen]
    model = Predictor()
    print(
        "| cells | distance | not a cell | uncertain | verdict as before |\n|---|--:|--:|--:|--:|"
    )
    before = row(model, "C-NMC", cells, [])
    row(model, "C-NMC, matched", matched(cells), before)
    changes: dict[str, Callable[[Cell], Cell]] = {
        name: lambda cell, g=gain, c=cast: stained(cell, g, c)
        for name, (gain, cast) in STAINS.items()
    }
    for name, change in changes.items():
        other = [change(cell) for cell in cells]
        row(model, name, other, before)
        row(model, f"{name}, matched", matched(other), before)


if __name__ == "__main__":
    main()
