"""Answers for the subjects of a result table, and the second column of cells in context."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from leukoscope.core.statistics import sigmoid
from leukoscope.core.verdicts import FROM_PROBABILITY
from leukoscope.inference.subject.answer import SubjectAnswer, answer_subject
from leukoscope.inference.subject.copies import PIXELS, Images, counted_once
from leukoscope.inference.subject.model import SubjectModel, in_context

IN_CONTEXT = "p_all_in_context"
"""The column with the probability of a cell given the other cells of its subject."""


class SubjectLogits:
    """The logits of the usable cells of each subject, gathered row by row.

    A cell is usable if its verdict follows from its probability: blast, normal or uncertain. Copies
    of one image count once.
    """

    def __init__(self) -> None:
        self._logits: dict[str, array[float]] = {}
        self._images: dict[str, Images] = {}
        self._copies: Counter[str] = Counter()

    def add(self, subject: str, verdict: str, logit: float | None, pixels: str = "") -> None:
        """Add one row of a result table; `pixels` is the hash of its image, if known."""
        own = self._logits.setdefault(subject, array("d"))
        if not usable(verdict, logit) or logit is None:
            return
        if self._images.setdefault(subject, Images()).add(pixels):
            own.append(logit)
        else:
            self._copies[subject] += 1

    @property
    def copies(self) -> int:
        """The number of usable cells that are copies of another one of their subject."""
        return self._copies.total()

    def answers(self, model: SubjectModel | None) -> dict[str, SubjectAnswer]:
        """The answer for each subject; empty without a model."""
        if model is None:
            return {}
        return {
            subject: replace(answer_subject(model, z), copies=self._copies[subject])
            for subject, z in self._logits.items()
        }


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
        rows: With `subject`, `verdict`, `logit` and, where known, `PIXELS`. The copies of an image
            have its value.
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
        pixels = [str(rows[number].get(PIXELS, "")) for number in numbers]
        first = counted_once([""] * len(numbers), pixels)
        once = [number for number, new in zip(numbers, first, strict=True) if new]
        p = sigmoid(in_context(model, [rows[number]["logit"] for number in once])).tolist()
        found_once = dict(zip(once, p, strict=True))
        of_image = {str(rows[number].get(PIXELS, "")): found_once[number] for number in once}
        for number, name in zip(numbers, pixels, strict=True):
            found[number] = found_once[number] if number in found_once else of_image[name]
    return found


def with_context(
    rows: Iterable[Mapping[str, Any]], model: SubjectModel | None
) -> list[dict[str, Any]]:
    """The rows with the column `IN_CONTEXT`; all of them are held in memory."""
    held = list(rows)
    column = context_column(held, model)
    return [{**row, IN_CONTEXT: value} for row, value in zip(held, column, strict=True)]
