"""Conformal limits that hold for a new person: quantiles with the person as the unit.

A conformal limit is a quantile of the scores of cells that were not trained on: the score of a new
cell exceeds it with a chosen small probability if the new cell and the old ones are exchangeable.
Cells are not, since those of one person are alike. Persons are, so each person has the same weight,
however many cells they have, and one additional person, whose scores could be anything, represents
the new one.

Sources: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", Springer 2005,
section 4.5 (a limit for each class: Mondrian conformal prediction); R. Dunn, L. Wasserman, A.
Ramdas, "Distribution-free prediction sets for two-layer hierarchical models", J. Am. Stat. Assoc.
118 (2023) 2491-2502; Y. Lee, R. F. Barber, R. Willett, "Distribution-free inference with
hierarchical data", arXiv 2306.06342 (2023): the quantile used here.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.values import Abstention, ConformalThresholds, Limit

METHOD = "class-conditional conformal prediction, persons exchangeable"
# Keeps sums of many weights from missing a fraction of 0.9 by a rounding error.
SLACK = 1e-9


def covers(thresholds: ConformalThresholds, label: ArrayLike, p: ArrayLike) -> NDArray[np.bool_]:
    """True for each cell whose class is in its prediction set.

    Args:
        thresholds: They bound the sets.
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
    """
    score = np.asarray(p, np.float64)
    return np.where(
        np.asarray(label) == 1, score >= thresholds.all_from, score <= thresholds.hem_to
    )


def person_quantile(
    score: ArrayLike, person: ArrayLike, fraction: float, *, unseen: int = 0
) -> float:
    """The lowest score with at least `fraction` of the weight at or below; persons weigh the same.

    Args:
        score: (N,), at least one.
        person: (N,) person of each cell.
        fraction: From 0 to 1.
        unseen: Number of additional persons whose scores are taken to be infinite.

    Returns:
        One of the scores; infinity if the given persons have less weight than `fraction`.
    """
    values = np.asarray(score, np.float64)
    _, index, count = np.unique(np.asarray(person), return_inverse=True, return_counts=True)
    weight = 1 / ((len(count) + unseen) * count[index])
    order = np.argsort(values, kind="stable")
    reached = np.flatnonzero(np.cumsum(weight[order]) >= fraction - SLACK)
    return float(values[order][reached[0]]) if len(reached) else float("inf")


def person_limit(score: ArrayLike, person: ArrayLike, alpha: float) -> Limit:
    """Set the limit for the scores of a new person's cells.

    The additional person who represents the new one uses up a part of alpha, and with few persons
    all of it: then the conformal limit is the most extreme score or infinite, and a model that
    respects it hardly ever gives an answer. So the limit is conformal, and guaranteed, only if at
    least half of alpha is left, which takes 2 (1 - alpha) / alpha persons. Otherwise it is the
    quantile of the given persons (pooling CDFs in Dunn et al.), which is correct for many persons
    and guarantees nothing.

    Args:
        score: (N,) finite, higher for more unusual cells.
        person: (N,) person of each cell.
        alpha: The fraction of cells that may exceed the limit, from 0 to below 1.

    Raises:
        LeukoscopeError: Without a cell, or with alpha out of range.
    """
    if not 0 <= alpha < 1:
        raise LeukoscopeError(f"alpha must be from 0 to below 1, got {alpha:g}.")
    values = np.asarray(score, np.float64)
    if not len(values):
        raise LeukoscopeError(
            "No limit can be set: the validation subset has no cell of this class."
        )
    persons = len(np.unique(np.asarray(person)))
    left = 1 - (1 - alpha) * (persons + 1) / persons  # for the given persons
    guaranteed = left > 0 and left >= alpha / 2 - SLACK
    value = person_quantile(values, person, 1 - alpha, unseen=int(guaranteed))
    return Limit(value, alpha, guaranteed, persons, len(values))


def class_limits(
    label: ArrayLike, p: ArrayLike, person: ArrayLike, *, alpha_all: float, alpha_hem: float
) -> Abstention:
    """Set the conformal thresholds of both classes, each on the cells of its class.

    To be called with validation cells only.

    Args:
        label: (N,) 1 = ALL, 0 = HEM; both occur.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        alpha_all: The fraction of ALL cells that may lie below `all_from`.
        alpha_hem: The fraction of HEM cells that may lie above `hem_to`.

    Raises:
        LeukoscopeError: A class has no cell, or an alpha is out of range.
    """
    truth, score = np.asarray(label), np.asarray(p, np.float64)
    who = np.asarray(person, dtype=object).astype(str)
    blast, normal = truth == 1, truth == 0
    lowest = person_limit(-score[blast], who[blast], alpha_all)
    all_from = Limit(-lowest.value, alpha_all, lowest.guaranteed, lowest.persons, lowest.cells)
    return Abstention(METHOD, all_from, person_limit(score[normal], who[normal], alpha_hem))
