"""Faithfulness of heatmaps: deletion and insertion curves, against maps without knowledge.

Deletion: the patches of a cell are replaced one after another, those that the map ranks highest
first; if the prediction depends on them, the probability of the predicted class falls early, and
the area under its curve is small. Insertion: the same from the replaced cell back to the original
one; here a large area is good. An area alone says little, since it depends on cell and model. So
every area is compared with that of the same values assigned to the patches at random, and with that
of patches ranked from the center outwards, which knows the shape of a cell and nothing about the
model.

Source: V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized input sampling for explanation of black-box
models", BMVC 2018, section 4.2. Two things differ. They replace by gray (deletion) or start from a
blur (insertion) of the whole frame; here only the pixels of the cell change, so that its size and
outline, on which models of these cells rely, stay (see `leukoscope.data.imaging.perturb`). And they
replace single pixels; here it is patches, since the maps are no finer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.core.seeds import generator
from leukoscope.core.values import Estimate
from leukoscope.data.imaging.perturb import Patches, perturb
from leukoscope.evaluation.metrics.bootstrap import CONFIDENCE, REPLICATES, why_no_interval
from leukoscope.evaluation.metrics.cells import draw_person_weights

STEPS = 8
"""Number of steps of a curve, each the same fraction of the cell."""
RANDOM_MAPS = 2
"""Number of random maps for each cell."""

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Score = Callable[[Image], Floats]
"""uint8 (N, S, S, 3) to the probability of ALL, (N,)."""


@dataclass(frozen=True)
class Areas:
    """Areas under the two curves of one ranking on one cell, each from 0 to 1."""

    deletion: float
    insertion: float


@dataclass(frozen=True)
class Ends:
    """A cell, its baseline, the patches, and the probability of the predicted class for both."""

    cell: Image
    baseline: Image
    patches: Patches
    predicted_all: bool
    whole: float
    replaced: float

    @staticmethod
    def of(score: Score, cell: Image, baseline: Image, patches: Patches) -> "Ends":
        """Predict both; the predicted class is the more probable one for the original cell."""
        whole, replaced = score(np.stack([cell, baseline])).tolist()
        predicted_all = whole >= 0.5
        return Ends(
            cell,
            baseline,
            patches,
            predicted_all,
            whole if predicted_all else 1 - whole,
            replaced if predicted_all else 1 - replaced,
        )


def rankings(
    ends: Ends, heatmap: np.ndarray, seed: int, random_maps: int = RANDOM_MAPS
) -> dict[str, list[NDArray[np.int64]]]:
    """The orders in which the patches are replaced.

    Args:
        ends: The cell.
        heatmap: (h, w) over the whole crop, positive values favor ALL.
        seed: Seed of the random maps.
        random_maps: Number of random maps.

    Returns:
        Positions in `Patches.on_cell`, first to last: one order under "map" and "center",
        `random_maps` under "random".
    """
    speaks_for = ends.patches.averages(heatmap) * (1 if ends.predicted_all else -1)
    grid, on_cell, pixels = ends.patches.grid, ends.patches.on_cell, ends.patches.pixels
    place = np.stack([on_cell // grid, on_cell % grid], axis=1).astype(float)
    middle = np.average(place, axis=0, weights=pixels)
    distance = np.linalg.norm(place - middle, axis=1)
    draw = generator(seed)
    return {
        "map": [np.argsort(-speaks_for, kind="stable")],
        "center": [np.argsort(distance, kind="stable")],
        "random": [draw.permutation(len(on_cell)) for _ in range(random_maps)],
    }


def areas(score: Score, ends: Ends, order: NDArray[np.int64], steps: int = STEPS) -> Areas:
    """The areas of both curves for one ranking.

    Args:
        score: The model.
        ends: The cell.
        order: From `rankings`.
        steps: Steps of a curve, of as equal fractions of the cell's pixels as patches allow.
    """
    fraction = np.cumsum(ends.patches.pixels[order]) / ends.patches.pixels.sum()
    wanted = np.arange(1, steps) / steps
    cuts = np.unique(np.searchsorted(fraction, wanted) + 1)
    cuts = cuts[cuts < len(order)]
    numbers = ends.patches.on_cell[order]
    x = np.concatenate([[0.0], fraction[cuts - 1], [1.0]])
    pictures = [perturb(ends.cell, ends.baseline, ends.patches, numbers[:n]) for n in cuts]
    pictures += [perturb(ends.baseline, ends.cell, ends.patches, numbers[:n]) for n in cuts]
    p = score(np.stack(pictures)) if pictures else np.empty(0)
    predicted = p if ends.predicted_all else 1 - p
    deleted, inserted = predicted[: len(cuts)], predicted[len(cuts) :]
    return Areas(
        _area(x, np.concatenate([[ends.whole], deleted, [ends.replaced]])),
        _area(x, np.concatenate([[ends.replaced], inserted, [ends.whole]])),
    )


def measure(
    score: Score, ends: Ends, heatmap: np.ndarray, seed: int, steps: int = STEPS
) -> dict[str, float]:
    """All metrics of one cell.

    Returns:
        `whole` and `replaced`, the probability of the predicted class; `deletion` and `insertion`
        with the suffixes `_map`, `_center`, `_random`; and the gains of the map, above 0 if it is
        better: `deletion_over_random`, `deletion_over_center`, and the same for insertion.
    """
    found = {"whole": ends.whole, "replaced": ends.replaced}
    for name, orders in rankings(ends, heatmap, seed).items():
        of_orders = [areas(score, ends, order, steps) for order in orders]
        found[f"deletion_{name}"] = float(np.mean([one.deletion for one in of_orders]))
        found[f"insertion_{name}"] = float(np.mean([one.insertion for one in of_orders]))
    for other in ("random", "center"):
        found[f"deletion_over_{other}"] = found[f"deletion_{other}"] - found["deletion_map"]
        found[f"insertion_over_{other}"] = found["insertion_map"] - found[f"insertion_{other}"]
    return found


def over_persons(
    cells: Sequence[Mapping[str, float]],
    label: ArrayLike,
    person: ArrayLike,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """The mean over persons of each person's mean, with its 95 % interval over persons.

    Args:
        cells: The result of `measure` for each cell.
        label: (N,) 1 = ALL, 0 = HEM.
        person: (N,) person of each cell.
        replicates: Number of bootstrap draws.
        seed: Seed of the draws.
    """
    weights, index = draw_person_weights(label, person, replicates, seed)
    counts = np.bincount(index)
    reason = why_no_interval(label, person)
    estimates = {}
    for key in cells[0]:
        of_person = np.bincount(index, [one[key] for one in cells]) / counts
        value = float(of_person.mean())
        drawn = weights @ of_person / weights.sum(axis=1)
        tails = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
        low, high = (None, None) if reason else np.quantile(drawn, tails).tolist()
        estimates[key] = Estimate(value, low, high, reason)
    return estimates


def _area(x: Floats, y: Floats) -> float:
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
