"""Permutation importance of groups of descriptors.

The values of a group are permuted among the cells, all values of a cell together, so that they fit
each other but not the cell: L. Breiman, "Random forests", Machine Learning 45, 2001. Every repeat
also resamples the persons, so that the spread includes the choice of persons.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.seeds import generator
from leukoscope.core.tables import read_table, write_table
from leukoscope.evaluation.metrics.cells import draw_person_weights, ranking

REPEATS = 20


@dataclass(frozen=True)
class Importance:
    """The importance of one group of descriptors to a model.

    Attributes:
        group: Its name.
        descriptors: Their number.
        drop: Mean decrease of the AUROC when it is permuted.
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
    """Compute the importance of each group on cells that the model was not fitted on.

    Args:
        score: The model: descriptors (n, F) to scores that are higher for ALL.
        values: float32 (n, F).
        label: (n,) 0 or 1, both present.
        person: (n,) person of each cell.
        groups: Columns by name of the group.
        repeats: Permutations of each group.
        seed: Seed of permutations and draws.

    Returns:
        The groups, the most important first.
    """
    truth = label == 1
    weights, index = draw_person_weights(label, person, repeats, seed)
    whole = ranking(truth, score(values), weights, index)[0]
    found = []
    for number, (name, columns) in enumerate(groups.items()):
        random = generator(seed, number)
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
