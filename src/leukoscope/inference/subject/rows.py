"""Answers for the subjects of a result table, and the second column of cells in context."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leukoscope.core.statistics import sigmoid
from leukoscope.core.verdicts import FROM_PROBABILITY
from leukoscope.inference.subject.answer import SubjectAnswer, answer_subject
from leukoscope.inference.subject.model import SubjectModel, in_context

IN_CONTEXT = "p_all_in_context"
"""The column with the probability of a cell given the other cells of its subject."""


class SubjectLogits:
    """The logits of the usable cells of each subject, gathered row by row.

    A cell is usable if its verdict follows from its probability: blast, normal or uncertain.
    """

    def __init__(self) -> None:
        self._logits: dict[str, array[float]] = {}

    def add(self, subject: str, verdict: str, logit: float | None) -> None:
        """Add one row of a result table."""
        own = self._logits.setdefault(subject, array("d"))
        if usable(verdict, logit) and logit is not None:
            own.append(logit)

    def answers(self, model: SubjectModel | None) -> dict[str, SubjectAnswer]:
        """The answer for each subject; empty without a model."""
        if model is None:
            return {}
        return {subject: answer_subject(model, z) for subject, z in self._logits.items()}


def usable(verdict: str, logit: float | None) -> bool:
    """True for a cell that counts in the answer for its subject."""
    return verdict in FROM_PROBABILITY and logit is not None


def context_column(
    rows: Sequence[Mapping[str, Any]], model: SubjectModel | None
) -> list[float | None]:
    """Calibrated probability of ALL of each cell, given the other cells of its subject.

    Half of the logit is the cell's own, half the mean of the others. None for cells that are not
    usable, for cells without a subject, and without a model.

    Args:
        rows: With `subject`, `verdict` and `logit`.
        model: From the card.
    """
    found: list[float | None] = [None] * len(rows)
    if model is None:
        return found
    members: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        if row["subject"] and usable(row["verdict"], row["logit"]):
            members.setdefault(str(row["subject"]), []).append(number)
    for numbers in members.values():
        p = sigmoid(in_context(model, [rows[number]["logit"] for number in numbers])).tolist()
        for number, value in zip(numbers, p, strict=True):
            found[number] = value
    return found


def with_context(
    rows: Iterable[Mapping[str, Any]], model: SubjectModel | None
) -> list[dict[str, Any]]:
    """The rows with the column `IN_CONTEXT`; all of them are held in memory."""
    held = list(rows)
    column = context_column(held, model)
    return [{**row, IN_CONTEXT: value} for row, value in zip(held, column, strict=True)]
