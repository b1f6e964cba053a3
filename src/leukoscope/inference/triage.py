"""From a probability to a verdict. Rules are asked in order; the first that answers decides.

A new ground not to answer (an uncertain probability, an image unlike any seen in training) is one
more rule in `RULES`, before `_operating_point`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from leukoscope.inference.card import Card

EMPTY = "empty"
NO_BORDER = "no black border"

# Above this a pixel isn't background: JPEG copies have specks on what was pure black.
BLACK = 16
# Share of the frame's outermost pixels that must be black for the cell to count as cut out.
BORDER_SHARE = 0.5


class Verdict(StrEnum):
    """What is said about one image."""

    BLAST = "blast"
    NORMAL = "normal"
    NOT_A_CELL = "not a cell"
    ERROR = "error"


ANSWERS = frozenset({Verdict.BLAST, Verdict.NORMAL})


@dataclass(frozen=True)
class Evidence:
    """All that is known about one image when its verdict is due."""

    p_all: float | None
    flags: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Decision:
    """A verdict, and a reason in words where the verdict is not an answer."""

    verdict: Verdict
    reason: str = ""


Rule = Callable[[Evidence, Card], Decision | None]


def decide(evidence: Evidence, card: Card) -> Decision:
    """The verdict on one image.

    With an operating point, a cell is called a blast from its threshold on; without one, from 0.5.
    """
    for rule in RULES:
        decision = rule(evidence, card)
        if decision is not None:
            return decision
    return Decision(Verdict.ERROR, "the model gave no number")


def threshold(card: Card) -> float:
    """The probability of ALL from which a cell is called a blast."""
    return card.operating_point.threshold if card.operating_point else 0.5


def image_flags(image: np.ndarray, cell: np.ndarray) -> tuple[str, ...]:
    """What is odd about an image, from its pixels alone.

    Args:
        image: the decoded image, uint8 (H, W, 3).
        cell: the crop the model is given, uint8 (S, S, 3).

    Returns:
        `empty` if the crop shows nothing brighter than black; `no black border` if more than half
        of the frame's outermost pixels aren't black: C-NMC cells are cut out on black, and a field
        of view or a crop of one is not.
    """
    if cell.max() <= BLACK:
        return (EMPTY,)
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    brightest = np.maximum(np.maximum(border[:, 0], border[:, 1]), border[:, 2])
    black = np.mean(brightest <= BLACK)
    return (NO_BORDER,) if black < BORDER_SHARE else ()


def _failed(evidence: Evidence, card: Card) -> Decision | None:
    return Decision(Verdict.ERROR, evidence.error) if evidence.error else None


def _not_a_cell(evidence: Evidence, card: Card) -> Decision | None:
    if EMPTY in evidence.flags:
        return Decision(Verdict.NOT_A_CELL, "nothing on the image is brighter than black")
    return None


def _operating_point(evidence: Evidence, card: Card) -> Decision | None:
    if evidence.p_all is None:
        return None
    return Decision(Verdict.BLAST if evidence.p_all >= threshold(card) else Verdict.NORMAL)


RULES: tuple[Rule, ...] = (_failed, _not_a_cell, _operating_point)
