"""Subsample splits to the same number of cells of each class, so that only the split differs.

A split by image has exactly the wanted fraction of cells for training; a split by person has the
cells of the drawn persons. A difference in the number of cells or in the class balance would be an
effect of its own.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from leukoscope.core.errors import SplitError
from leukoscope.core.files import natural_key
from leukoscope.core.seeds import generator
from leukoscope.data.cnmc.cnmc import ALL, HEM
from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.partition import PARTS, unit_keys

Counts = Mapping[str, Mapping[int, int]]
"""Subset to label to number of cells."""


def common_counts(
    cohorts: Sequence[Cohort], parts: Sequence[str] = PARTS[:2], most: int | None = None
) -> dict[str, dict[int, int]]:
    """Largest numbers of cells of each class that every split has in each subset.

    The class balance is that of all labeled cells, up to one cell.

    Args:
        cohorts: The same cells under different splits, with label and part.
        parts: Subsets to make equal.
        most: Largest number of cells in the first of the subsets.

    Raises:
        SplitError: There is less than one cell of a class.
    """
    label = cohorts[0]["label"]
    whole = {value: int(np.sum(label == value)) for value in (ALL, HEM)}
    counts = {}
    for part in parts:
        least = {value: min(_count(c, part, value) for c in cohorts) for value in whole}
        cells = min(
            least[value] * sum(whole.values()) // max(1, total) for value, total in whole.items()
        )
        if most is not None and part == parts[0]:
            cells = min(cells, most)
        blasts = cells * whole[ALL] // max(1, sum(whole.values()))
        if not blasts:
            raise SplitError(
                f"{cohorts[0].source or 'the cohort'}: the splits have {cells} common cells for "
                f"{part}, too few for both classes; add cells, or raise --cells."
            )
        counts[part] = {ALL: blasts, HEM: cells - blasts}
    return counts


def subsample(cohort: Cohort, counts: Counts, seed: int) -> Cohort:
    """Draw the given numbers of cells and remove the others from their subsets.

    The same cells and seed give the same draw, whatever the order of the rows. Subsets without
    counts stay whole.

    Args:
        cohort: The cells, with label and part.
        counts: Numbers of cells from `common_counts`.
        seed: Random seed.

    Returns:
        The cohort with `part` "" for cells that were not drawn.
    """
    part, keys = cohort["part"].copy(), unit_keys(cohort, "path").tolist()
    for place, (name, wanted) in enumerate(counts.items()):
        for label, cells in wanted.items():
            rows = np.flatnonzero((cohort["part"] == name) & (cohort["label"] == label))
            ordered = sorted(rows.tolist(), key=lambda row: natural_key(keys[row]))
            random = generator(seed, place, label)
            part[random.permutation(ordered)[cells:]] = ""
    return cohort.with_columns(part=part)


def _count(cohort: Cohort, part: str, label: int) -> int:
    return int(np.sum((cohort["part"] == part) & (cohort["label"] == label)))
