"""What a model goes by: how much worse it ranks when a group of descriptors says nothing.

The values of a group are dealt out anew among the cells, all of a cell's values together, so that
they fit each other but not the cell: L. Breiman, "Random forests", Machine Learning 45, 2001. Every
repeat also draws the persons anew, so that the spread tells how far the figure hangs on who happens
to be measured.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.tables import read_table, write_table
from leukoscope.evaluation.metrics.cells import draw_person_weights, ranking

REPEATS = 20


@dataclass(frozen=True)
class Importance:
    """What one group is worth to a model.

    Attributes:
        group: Its name.
        descriptors: How many it has.
        drop: Mean fall of the AUROC without it.
        low: 2.5th percentile over the repeats.
        high: 97.5th percentile.
    """

    group: str
    descriptors: int
    drop: float
    low: float
    high: float


def permutation_importance(
    score: Callable[[NDArray[Any]], NDArray[Any]],
    values: NDArray[np.float32],
    label: NDArray,
    person: NDArray,
    groups: Mapping[str, Sequence[int]],
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> list[Importance]:
    """Measure each group on cells that the model was not fitted to.

    Args:
        score: The model: descriptors (n, F) to a score that grows with ALL.
        values: float32 (n, F).
        label: (n,) 0 or 1, both present.
        person: (n,) who each cell is of.
        groups: Name to columns.
        repeats: Of each group.
        seed: Source of the draws.

    Returns:
        The groups, the most important first.
    """
    truth = label == 1
    weights, index = draw_person_weights(label, person, repeats, seed)
    whole = ranking(truth, score(values), weights, index)[0]
    found = []
    for number, (name, columns) in enumerate(groups.items()):
        random = np.random.default_rng((seed, number))
        drops = np.empty(repeats)
        for repeat in range(repeats):
            mixed = values.copy()
            mixed[:, columns] = values[random.permutation(len(values))][:, columns]
            without, _ = ranking(truth, score(mixed), weights[repeat : repeat + 1], index)
            drops[repeat] = whole[repeat] - without[0]
        low, high = np.percentile(drops, (2.5, 97.5)).tolist()
        found.append(Importance(name, len(columns), float(drops.mean()), low, high))
    return sorted(found, key=lambda one: -one.drop)


def write_importance(found: Sequence[Importance], path: Path) -> None:
    """Write a table, a row per group."""
    names = [field.name for field in fields(Importance)]
    write_table(path, {name: np.array([getattr(one, name) for one in found]) for name in names})


def read_importance(path: Path) -> list[Importance]:
    """Read what `write_importance` wrote."""
    table = read_table(path)
    return [
        Importance(str(group), int(count), float(drop), float(low), float(high))
        for group, count, drop, low, high in zip(
            *(table[field.name] for field in fields(Importance)), strict=True
        )
    ]
