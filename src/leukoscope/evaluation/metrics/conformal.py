"""Limits that hold for a new person: conformal quantiles with the person as the unit.

A conformal limit is a quantile of scores on cells that were not trained on: a new cell's score
exceeds it with a wanted small probability, if the new cell and the old ones are exchangeable. Cells
are not: those of one person are alike. Persons are, so each person weighs the same, however many
cells they gave, and one more person, whose scores could be anything, stands in for the new one.

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
# Keeps sums of many weights from missing a share of 0.9 by a rounding error.
SLACK = 1e-9


def covers(thresholds: ConformalThresholds, label: ArrayLike, p: ArrayLike) -> NDArray[np.bool_]:
    """Whether the class of each cell is in its prediction set.

    Args:
        thresholds: They bound the sets.
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
    """
    score = np.asarray(p, np.float64)
    return np.where(
        np.asarray(label) == 1, score >= thresholds.all_from, score <= thresholds.hem_to
    )


def person_quantile(score: ArrayLike, person: ArrayLike, share: float, *, unseen: int = 0) -> float:
    """The lowest score up to which at least `share` of the weight lies; persons weigh the same.

    Args:
        score: (N,), at least one.
        person: (N,) whose cell it is.
        share: From 0 to 1.
        unseen: Persons whose scores are taken to be infinite, beside those given.

    Returns:
        One of the scores; infinity where the persons given weigh less than `share`.
    """
    values = np.asarray(score, np.float64)
    _, index, count = np.unique(np.asarray(person), return_inverse=True, return_counts=True)
    weight = 1 / ((len(count) + unseen) * count[index])
    order = np.argsort(values, kind="stable")
    reached = np.flatnonzero(np.cumsum(weight[order]) >= share - SLACK)
    return float(values[order][reached[0]]) if len(reached) else float("inf")


def person_limit(score: ArrayLike, person: ArrayLike, alpha: float) -> Limit:
    """The limit of the scores of a new person's cells.

    The person who stands in for the new one uses up a part of alpha, and with few persons all of
    it: then the conformal limit is the wildest score of all or infinite, and a model that keeps to
    it hardly ever answers. So the promise is made where half of alpha is left at least, which takes
    2 (1 - alpha) / alpha persons. Elsewhere the limit is the quantile of the persons given (which
    Dunn and others call pooling CDFs), right where persons are many, and promises nothing.

    Args:
        score: (N,) finite, higher where a cell is more unusual.
        person: (N,) whose cell it is.
        alpha: The share of cells that may exceed the limit, from 0 to below 1.

    Raises:
        LeukoscopeError: Without a cell, or with alpha out of range.
    """
    if not 0 <= alpha < 1:
        raise LeukoscopeError(f"The share of exceptions lies from 0 to below 1, got {alpha:g}.")
    values = np.asarray(score, np.float64)
    if not len(values):
        raise LeukoscopeError("No limit can be set: there is no such cell in the validation part.")
    persons = len(np.unique(np.asarray(person)))
    left = 1 - (1 - alpha) * (persons + 1) / persons  # of those given
    guaranteed = left > 0 and left >= alpha / 2 - SLACK
    value = person_quantile(values, person, 1 - alpha, unseen=int(guaranteed))
    return Limit(value, alpha, guaranteed, persons, len(values))


def class_limits(
    label: ArrayLike, p: ArrayLike, person: ArrayLike, *, alpha_all: float, alpha_hem: float
) -> Abstention:
    """The limits of both classes, each from its own cells. For validation cells only.

    Args:
        label: (N,) 1 = ALL, 0 = HEM; both occur.
        p: (N,) calibrated probability of ALL.
        person: (N,) person of each cell.
        alpha_all: The share of ALL cells that may lie below `all_from`.
        alpha_hem: The share of HEM cells that may lie above `hem_to`.

    Raises:
        LeukoscopeError: A class has no cell, or a share is out of range.
    """
    truth, score = np.asarray(label), np.asarray(p, np.float64)
    who = np.asarray(person, dtype=object).astype(str)
    blast, normal = truth == 1, truth == 0
    lowest = person_limit(-score[blast], who[blast], alpha_all)
    all_from = Limit(-lowest.value, alpha_all, lowest.guaranteed, lowest.persons, lowest.cells)
    return Abstention(METHOD, all_from, person_limit(score[normal], who[normal], alpha_hem))
