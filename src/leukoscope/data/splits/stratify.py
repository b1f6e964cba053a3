"""Divide a few persons of very unequal size so that every part gets its share of both classes.

With some thirty persons, one of whom may own a third of a class, no rule of thumb (biggest first,
or by turns) gives both a fair division and one that changes with the seed. So many random divisions
are drawn and the one nearest to the wanted shares is kept: unbiased, different for every seed, and
short.
"""

from collections.abc import Sequence

import numpy as np

from leukoscope.core.errors import SplitError
from leukoscope.data.cnmc.cnmc import ALL, HEM, LABEL_NAMES

DRAWS = 500
CLASSES = (ALL, HEM)


def stratified_parts(
    cells: np.ndarray, shares: Sequence[float], names: Sequence[str], random: np.random.Generator
) -> np.ndarray:
    """Give every person one part.

    Persons who own cells of one class and persons who own both are drawn as strata of their own. A
    division is the better, the nearer each part's share of the cells *and* of the persons of a
    class comes to the wanted share: cells alone would be content with a test part of one large
    person, from whom no interval can be had.

    Args:
        cells: int (N, 2), how many ALL and HEM cells each person owns.
        shares: (P,) wanted share of each part, adding up to 1.
        names: (P,) of the parts, for messages.
        random: Source of the draws. The order of the persons must not depend on the order of the
            rows.

    Returns:
        int (N,), the part of each person. Every part has at least one person of each class.

    Raises:
        SplitError: A class has fewer persons than there are parts.
    """
    owns = cells > 0
    for column, label in enumerate(CLASSES):
        if (persons := int(owns[:, column].sum())) < len(shares):
            raise SplitError(
                f"{LABEL_NAMES[label]} has cells of {persons} person{'' if persons == 1 else 's'}, "
                f"and {len(shares)} parts ({', '.join(names)}) need at least one each: "
                "add persons or ask for fewer parts."
            )
    parts = np.full(len(cells), -1)
    # Persons with both classes go first and spread out, so that the others can always fill what is
    # lacking.
    for stratum in (owns.all(axis=1), owns[:, 0] & ~owns[:, 1], owns[:, 1] & ~owns[:, 0]):
        rows = np.flatnonzero(stratum)
        if len(rows):
            columns = np.flatnonzero(owns[rows[0]])
            parts[rows] = _best_draw(rows, columns, cells, parts, np.asarray(shares), random)
    return parts


def _best_draw(
    rows: np.ndarray,
    columns: np.ndarray,
    cells: np.ndarray,
    parts: np.ndarray,
    shares: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    own = cells[:, columns]
    weights = np.hstack([own / own.sum(axis=0), (own > 0) / (own > 0).sum(axis=0)])
    placed = parts >= 0
    before = _shares(parts[placed], weights[placed], len(shares))
    lacking = np.flatnonzero((before == 0).any(axis=1))
    draws = np.empty((DRAWS, len(rows)), dtype=int)
    for draw in draws:
        draw[:] = random.choice(len(shares), size=len(rows), p=shares)
        chosen = random.permutation(len(rows))[: len(lacking)]
        draw[chosen] = random.permutation(lacking)[: len(chosen)]
    drawn = np.stack([(draws == part) @ weights[rows] for part in range(len(shares))], axis=1)
    distance = np.square(before + drawn - shares[:, None]).sum(axis=(1, 2))
    return draws[np.argmin(distance)]


def _shares(parts: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """(P, K): the sum of each weight over the persons of each part."""
    return np.stack([np.bincount(parts, column, count) for column in weights.T], axis=1)
