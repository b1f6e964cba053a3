"""The predictions of an evaluation, in an order that depends on the cells alone.

Two runs can be compared cell by cell only if both were evaluated on the same cells, with the same
labels and persons. A cell is identified by the sha256 of its image, or by the end of its path if
that is not recorded.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.errors import LeukoscopeError
from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.partition import unit_keys
from leukoscope.evaluation.metrics.cells import Floats
from leukoscope.evaluation.table import scored_cells

DIGITS = 12


@dataclass(frozen=True)
class Predictions:
    """The scored cells of one evaluation, sorted by key; arrays (N,).

    Attributes:
        key: object array of str, the identity of the cell.
        label: 1 = ALL, 0 = HEM.
        person: object array of str, "" where unknown.
        p: float64, the calibrated probability of ALL.
    """

    key: NDArray[np.object_]
    label: NDArray[np.int8]
    person: NDArray[np.object_]
    p: Floats

    def __len__(self) -> int:
        return len(self.key)

    @property
    def cells(self) -> str:
        """A short hash of the cells with their labels and persons."""
        return digest(self.key.tolist(), self.label.tolist(), self.person.tolist())

    @property
    def content(self) -> str:
        """A short hash of the cells and their predictions."""
        return digest(self.cells, self.p.tolist())


def digest(*values: object) -> str:
    """A short hexadecimal hash of plain values: 48 bits, too many for a collision by chance."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:DIGITS]


def predictions_of(predictions: Cohort) -> Predictions:
    """The scored cells of a table of predictions, in an order that depends on the cells alone.

    Args:
        predictions: With label, person, sha256 and p_all, as `evaluate` writes it.

    Raises:
        LeukoscopeError: The probabilities are missing or invalid.
    """
    if "p_all" not in predictions or predictions["p_all"].dtype.kind not in "fi":
        raise LeukoscopeError("the column p_all is missing or does not hold numbers")
    tails = unit_keys(predictions, "path")
    key = np.where(predictions["sha256"] == "", tails, predictions["sha256"])
    columns = {name: predictions[name] for name in ("label", "person", "p_all")}
    table = scored_cells({**columns, "path": key})
    assert table.path is not None
    rows = list(zip(table.path, table.label.tolist(), table.person, table.p, strict=True))
    order = sorted(range(len(rows)), key=rows.__getitem__)
    return Predictions(table.path[order], table.label[order], table.person[order], table.p[order])


def why_not_paired(first: Predictions, second: Predictions) -> str:
    """The reason why two runs cannot be compared cell by cell; "" if they can."""
    if first.key.tolist() != second.key.tolist():
        common = (Counter(first.key.tolist()) & Counter(second.key.tolist())).total()
        return f"other cells: {common:,} of its {len(second):,} were evaluated for the baseline"
    for what, mine, other in (
        ("label", first.label, second.label),
        ("person", first.person, second.person),
    ):
        if differing := int(np.sum(mine != other)):
            return f"the same images, but {differing:,} of them have another {what}"
    return ""
