"""The table that an evaluation is made of: labeled cells with their predictions, checked once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.tables import text_column
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.cells import Floats

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
NEEDED = ("label", "p_all", "person")
TEXT = ("person", "subject", "path", "verdict", "pixel_sha256")


@dataclass(frozen=True)
class CellTable:
    """N cells that have a label and a probability; optional columns are None where absent.

    Attributes:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) object array of str, "" where unknown.
        unlabeled: How many cells were left out because they have no label.
        without_probability: How many labeled cells were left out because they have no probability.
        subject: (N,) object array of str.
        path: (N,) object array of str.
        verdict: (N,) object array of str.
        logit: (N,) before the temperature.
        area: (N,) in pixels; nan where unknown.
        pixel_sha256: (N,) object array of str, "" where unknown; copies of an image have the same.
    """

    label: NDArray[Any]
    p: Floats
    person: NDArray[np.object_]
    unlabeled: int = 0
    without_probability: int = 0
    subject: NDArray[np.object_] | None = None
    path: NDArray[np.object_] | None = None
    verdict: NDArray[np.object_] | None = None
    logit: Floats | None = None
    area: Floats | None = None
    pixel_sha256: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.p)


def scored_cells(columns: Columns) -> CellTable:
    """Check a table and select the cells that can be evaluated.

    Args:
        columns: `label` (1 = ALL, 0 = HEM, -1 = unknown), `p_all` (calibrated probability of ALL,
            nan where there is none) and `person`; optionally the other columns of `CellTable`.

    Raises:
        LeukoscopeError: If a column is missing, columns differ in length, a probability is out of
            range or no cell is left.
    """
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise LeukoscopeError(
            f"The table to evaluate lacks the column {missing[0]!r}; join labels and predictions "
            "first."
        )
    known_names = ("subject", "path", "verdict", "logit", "area", "pixel_sha256")
    optional = [name for name in known_names if columns.get(name) is not None]
    table = {
        name: text_column(list(columns[name])) if name in TEXT else np.asarray(columns[name])
        for name in (*NEEDED, *optional)
    }
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) > 1:
        raise LeukoscopeError(f"The columns of the table to evaluate differ in length: {lengths}.")
    label, p = table["label"], table["p_all"].astype(np.float64)
    known, scored = (label == 0) | (label == 1), ~np.isnan(p)
    if np.any((p < 0) | (p > 1)):
        raise LeukoscopeError(
            "The column 'p_all' holds values outside 0 to 1; it takes probabilities, not logits."
        )
    keep = known & scored
    if not keep.any():
        raise LeukoscopeError(
            f"None of {counted(len(label), 'cell')} has both a label (ALL or HEM) and a "
            "probability: "
            "nothing can be evaluated."
        )
    return CellTable(
        label=label[keep],
        p=p[keep],
        person=table["person"][keep],
        unlabeled=int(np.sum(~known)),
        without_probability=int(np.sum(known & ~scored)),
        **{name: table[name][keep] for name in optional},
    )
