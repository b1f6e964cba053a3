"""As many cells of each class in every split, so that protocols differ in nothing but the split.

A split by image trains on its share of the cells to the cell; one by person on what the drawn
persons happen to own. More cells, or another mix of classes, would make a difference of their own.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from leukoscope.core.errors import SplitError
from leukoscope.core.files import natural_key
from leukoscope.data.cnmc.cnmc import ALL, HEM
from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.partition import PARTS, unit_keys

Counts = Mapping[str, Mapping[int, int]]
"""Part to label to number of cells."""


def common_counts(
    cohorts: Sequence[Cohort], parts: Sequence[str] = PARTS[:2], most: int | None = None
) -> dict[str, dict[int, int]]:
    """The most cells of each class that every split can give to each part.

    The classes stand as in all cells that have a label, up to one cell.

    Args:
        cohorts: One table of cells under different splits: all with label and part.
        parts: Which parts are to be made equal.
        most: No more cells than these in the first of the parts.

    Raises:
        SplitError: That is less than one cell of a class.
    """
    label = cohorts[0]["label"]
    whole = {value: int(np.sum(label == value)) for value in (ALL, HEM)}
    counts = {}
    for part in parts:
        room = {value: min(_count(one, part, value) for one in cohorts) for value in whole}
        cells = min(
            room[value] * sum(whole.values()) // max(1, own) for value, own in whole.items()
        )
        if most is not None and part == parts[0]:
            cells = min(cells, most)
        blasts = cells * whole[ALL] // max(1, sum(whole.values()))
        if not blasts:
            raise SplitError(
                f"{cohorts[0].source or 'the cohort'}: every split can spare {cells} cells for "
                f"{part}, too few for both classes; add cells, or name more with --cells."
            )
        counts[part] = {ALL: blasts, HEM: cells - blasts}
    return counts


def subsample(cohort: Cohort, counts: Counts, seed: int) -> Cohort:
    """Draw as many cells as were counted and take the others out of their parts.

    The same cells and seed give the same draw, whatever the order of the rows. Parts that are not
    named stay whole.

    Args:
        cohort: The cells, with label and part.
        counts: From `common_counts`.
        seed: Of the draw.

    Returns:
        The cohort with the part "" where a cell was not drawn.
    """
    part, keys = cohort["part"].copy(), unit_keys(cohort, "path").tolist()
    for place, (name, wanted) in enumerate(counts.items()):
        for label, cells in wanted.items():
            rows = np.flatnonzero((cohort["part"] == name) & (cohort["label"] == label))
            ordered = sorted(rows.tolist(), key=lambda row: natural_key(keys[row]))
            random = np.random.default_rng((seed, place, label))
            part[random.permutation(ordered)[cells:]] = ""
    return cohort.with_columns(part=part)


def _count(cohort: Cohort, part: str, label: int) -> int:
    return int(np.sum((cohort["part"] == part) & (cohort["label"] == label)))
