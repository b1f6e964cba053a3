"""Stratified split of a few persons with very different numbers of cells.

With some thirty persons, one of whom can have a third of the cells of a class, no simple rule
(largest first, round robin) gives a balanced split that varies with the seed. So many random splits
are drawn, and the one nearest to the wanted fractions is kept: unbiased, different for every seed,
and short.
"""

from collections.abc import Sequence

import numpy as np

from leukoscope.core.errors import SplitError
from leukoscope.data.cnmc.cnmc import ALL, HEM, LABEL_NAMES

DRAWS = 500
CLASSES = (ALL, HEM)


def stratified_parts(
    cells: np.ndarray,
    fractions: Sequence[float],
    names: Sequence[str],
    random: np.random.Generator,
) -> np.ndarray:
    """Assign every person to one subset.

    Persons with cells of one class and persons with cells of both are separate strata. The distance
    of a split to the wanted fractions counts cells *and* persons of each class: by cells alone a
    test subset of one large person would be good, which allows no interval over persons.

    Args:
        cells: int (N, 2), number of ALL and HEM cells of each person.
        fractions: (P,) wanted fraction of each subset, with a sum of 1.
        names: (P,) names of the subsets, for messages.
        random: Random generator. The order of the persons must not depend on the order of the rows.

    Returns:
        int (N,), subset of each person. Every subset has at least one person of each class.

    Raises:
        SplitError: A class has fewer persons than there are subsets.
    """
    owns = cells > 0
    for column, label in enumerate(CLASSES):
        if (persons := int(owns[:, column].sum())) < len(fractions):
            raise SplitError(
                f"{LABEL_NAMES[label]} has cells of {persons} person{'' if persons == 1 else 's'}, "
                f"and {len(fractions)} subsets ({', '.join(names)}) need at least one each: "
                "add persons or use fewer subsets."
            )
    parts = np.full(len(cells), -1)
    # Persons with both classes are assigned first and spread out, so that the others can always
    # fill the gaps.
    for stratum in (owns.all(axis=1), owns[:, 0] & ~owns[:, 1], owns[:, 1] & ~owns[:, 0]):
        rows = np.flatnonzero(stratum)
        if len(rows):
            columns = np.flatnonzero(owns[rows[0]])
            parts[rows] = _best_draw(rows, columns, cells, parts, np.asarray(fractions), random)
    return parts


def _best_draw(
    rows: np.ndarray,
    columns: np.ndarray,
    cells: np.ndarray,
    parts: np.ndarray,
    fractions: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    counts = cells[:, columns]
    weights = np.hstack([counts / counts.sum(axis=0), (counts > 0) / (counts > 0).sum(axis=0)])
    placed = parts >= 0
    before = _sums(parts[placed], weights[placed], len(fractions))
    lacking = np.flatnonzero((before == 0).any(axis=1))
    draws = np.empty((DRAWS, len(rows)), dtype=int)
    for draw in draws:
        draw[:] = random.choice(len(fractions), size=len(rows), p=fractions)
        chosen = random.permutation(len(rows))[: len(lacking)]
        draw[chosen] = random.permutation(lacking)[: len(chosen)]
    drawn = np.stack([(draws == part) @ weights[rows] for part in range(len(fractions))], axis=1)
    distance = np.square(before + drawn - fractions[:, None]).sum(axis=(1, 2))
    return draws[np.argmin(distance)]


def _sums(parts: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Sum of each weight over the persons of each subset, (P, K)."""
    return np.stack([np.bincount(parts, column, count) for column in weights.T], axis=1)
