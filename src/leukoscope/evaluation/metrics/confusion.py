"""The confusion matrix of one cohort."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Confusion:
    """Counts of cells by label and predicted class."""

    true_all: int
    """ALL cells predicted as ALL."""
    missed_all: int
    """ALL cells predicted as HEM."""
    false_all: int
    """HEM cells predicted as ALL."""
    true_hem: int
    """HEM cells predicted as HEM."""

    @property
    def cells(self) -> int:
        """All cells counted."""
        return sum(self.counts)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """True positives, false negatives, false positives, true negatives; ALL is positive."""
        return self.true_all, self.missed_all, self.false_all, self.true_hem


def confusion(label: ArrayLike, p: ArrayLike, threshold: float) -> Confusion:
    """Count cells by label and predicted class, ALL for `p >= threshold`."""
    truth, call = np.asarray(label) == 1, np.asarray(p, np.float64) >= threshold
    return Confusion(
        true_all=int(np.sum(truth & call)),
        missed_all=int(np.sum(truth & ~call)),
        false_all=int(np.sum(~truth & call)),
        true_hem=int(np.sum(~truth & ~call)),
    )
