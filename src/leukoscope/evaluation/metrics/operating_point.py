"""The operating point: the probability from which a cell is predicted as ALL."""

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
    """Choose the highest threshold that at least `target_recall` of the ALL cells reach.

    No higher threshold has the target recall, so none that has it has a better specificity. Equal
    scores stay together, which can raise the recall above the target. To be called with validation
    cells only.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        target_recall: Target fraction of ALL cells predicted as ALL, above 0 and at most 1.
        part: The name of the subset that these cells are.

    Raises:
        LeukoscopeError: No cell is ALL, or the target is out of range.
    """
    if not 0 < target_recall <= 1:
        raise LeukoscopeError(
            f"The target recall must be above 0 and at most 1, got {target_recall:g}; usual is 0.95"
        )
    truth, score = np.asarray(label), np.asarray(p, np.float64)
    positive = np.sort(score[truth == 1])[::-1]
    if not len(positive):
        raise LeukoscopeError(
            "The operating point cannot be set: there is no ALL cell in the validation subset. "
            "Give the validation subset persons of both classes."
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
    """Sensitivity and specificity at each threshold k / `STEPS`, for users who choose another one.

    To be called with validation cells only, since picking a threshold from it is a choice.

    Args:
        label: (N,) 1 = ALL, 0 = HEM; both occur.
        p: (N,) calibrated probability of ALL.

    Returns:
        Two arrays (STEPS + 1,): the fraction of ALL cells at or above, and of HEM cells below.
    """
    truth, score = np.asarray(label), np.asarray(p, np.float64)
    thresholds = np.arange(STEPS + 1) / STEPS
    blasts, normal = np.sort(score[truth == 1]), np.sort(score[truth == 0])
    sensitivity = 1 - np.searchsorted(blasts, thresholds) / len(blasts)
    return sensitivity, np.searchsorted(normal, thresholds) / len(normal)
