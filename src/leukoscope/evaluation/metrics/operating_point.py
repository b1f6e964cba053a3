"""The operating point: the score from which on a cell is called ALL, and what it costs."""

import numpy as np
from numpy.typing import ArrayLike

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.values import Cells, OperatingPoint
from leukoscope.evaluation.metrics.cells import Floats, ScoredCells
from leukoscope.evaluation.metrics.metrics import METRIC

TARGET_RECALL = 0.95
STEPS = 100
"""Steps of the operating curve between the thresholds 0 and 1."""


def choose_operating_point(
    label: ArrayLike,
    p: ArrayLike,
    person: ArrayLike,
    target_recall: float = TARGET_RECALL,
    part: str = "validation",
) -> OperatingPoint:
    """The highest score of an ALL cell from which on at least `target_recall` of them lie.

    No higher threshold keeps the wanted recall, so none has a better specificity. Equal scores are
    kept together, which may lift the recall above what was asked for. To be called with validation
    cells only.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        target_recall: Wanted share of ALL cells called ALL, above 0 and at most 1.
        part: The name of the part that these cells are.

    Raises:
        LeukoscopeError: If there is no ALL cell to set it on, or the target is out of range.
    """
    if not 0 < target_recall <= 1:
        raise LeukoscopeError(
            f"The wanted recall is {target_recall:g}, but a recall lies above 0 and at most at 1: "
            "0.95 is usual."
        )
    truth, score = np.asarray(label), np.asarray(p, np.float64)
    positive = np.sort(score[truth == 1])[::-1]
    if not len(positive):
        raise LeukoscopeError(
            "The operating point cannot be set: there is no ALL cell in the validation part. "
            "Give the validation part persons of both classes."
        )
    # The slack keeps 0.55 * 100 = 55.00000000000001 from asking for a 56th cell.
    needed = int(np.ceil(target_recall * len(positive) - 1e-9))
    threshold = float(positive[needed - 1])
    cells = ScoredCells.of(truth, score, person, threshold)
    return OperatingPoint(
        threshold=threshold,
        target_recall=target_recall,
        recall=METRIC["sensitivity"].value(cells),
        specificity=METRIC["specificity"].value(cells),
        set_on=Cells(part, len(np.unique(np.asarray(person))), len(truth)),
    )


def operating_curve(label: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats]:
    """Sensitivity and specificity at each threshold k / `STEPS`, for people who weigh the two anew.

    To be called with validation cells only, for whoever picks a threshold from it chooses.

    Args:
        label: (N,) 1 = ALL, 0 = HEM; both occur.
        p: (N,) calibrated probability of ALL.

    Returns:
        Two arrays (STEPS + 1,): the share of ALL cells at or above, and of HEM cells below.
    """
    truth, score = np.asarray(label), np.asarray(p, np.float64)
    thresholds = np.arange(STEPS + 1) / STEPS
    blasts, normal = np.sort(score[truth == 1]), np.sort(score[truth == 0])
    sensitivity = 1 - np.searchsorted(blasts, thresholds) / len(blasts)
    return sensitivity, np.searchsorted(normal, thresholds) / len(normal)
