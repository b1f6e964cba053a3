"""From a probability to a verdict. Rules are asked in order; the first that answers decides.

A card without abstention fields (schema 1) answers for every image that is not empty.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from leukoscope.core.values import ConformalThresholds
from leukoscope.core.verdicts import Verdict
from leukoscope.data.imaging.foreground import LIT
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.rejection.image_checks import (
    border_share,
    image_quality,
    quality_flags,
)

EMPTY = "empty"
NO_BORDER = "no black border"
UNLIKE = "unlike the training cells"

# Share of the frame's outermost pixels that must be black for the cell to count as cut out.
BORDER_SHARE = 0.5


@dataclass(frozen=True)
class Evidence:
    """All that is known about one image when its verdict is due.

    `flags` say what is odd about the picture, `distance` how far its embedding lies from the
    training cells, where the card has a limit for it.
    """

    p_all: float | None
    flags: tuple[str, ...] = ()
    error: str = ""
    distance: float | None = None


@dataclass(frozen=True)
class Decision:
    """A verdict, and a reason in words where the verdict is not an answer."""

    verdict: Verdict
    reason: str = ""


Rule = Callable[[Evidence, Card], Decision | None]


def decide(evidence: Evidence, card: Card) -> Decision:
    """The verdict on one image.

    With an operating point, a cell is called a blast from its threshold on; without one, from 0.5.
    It is called so only where the card's abstention leaves blast as the one possible class, and
    normal likewise.
    """
    for rule in RULES:
        decision = rule(evidence, card)
        if decision is not None:
            return decision
    return Decision(Verdict.ERROR, "the model gave no number")


def threshold(card: Card) -> float:
    """The probability of ALL from which a cell is called a blast."""
    return card.operating_point.threshold if card.operating_point else 0.5


def prediction_set(card: Card) -> ConformalThresholds | None:
    """Which classes the card leaves possible; None where it never abstains."""
    return card.abstention.thresholds if card.abstention else None


def predicted_class(p_all: float, at: float, limits: ConformalThresholds | None) -> Decision:
    """What a probability comes to.

    As the probability rises the verdict goes from normal over uncertain to blast and never back,
    whatever the threshold: a cell between threshold and limits is uncertain, for they disagree.

    Args:
        p_all: Of ALL, calibrated.
        at: The threshold from which a cell is called a blast; the model's or a case's own.
        limits: From `prediction_set`.
    """
    verdict, wanted = (Verdict.BLAST, "ALL") if p_all >= at else (Verdict.NORMAL, "HEM")
    classes = (wanted,) if limits is None else limits.classes(p_all)
    if classes == (wanted,):
        return Decision(verdict)
    if len(classes) == 1:
        reason = f"the probability speaks for {classes[0]}, the threshold does not"
    else:
        reason = f"the probability fits {'both classes' if classes else 'neither class'}"
    return Decision(Verdict.UNCERTAIN, reason)


def image_flags(image: np.ndarray, cell: np.ndarray, card: Card) -> tuple[str, ...]:
    """What is odd about an image, from its pixels alone.

    Args:
        image: the decoded image, uint8 (H, W, 3).
        cell: the crop the model is given, uint8 (S, S, 3).
        card: of the model.

    Returns:
        `empty` if the crop shows nothing brighter than black; `no black border` if more than half
        of the frame's outermost pixels aren't black: C-NMC cells are cut out on black, and a field
        of view or a crop of one is not. Else what `image_checks` finds beyond the card's limits,
        where it has any.
    """
    if cell.max() <= LIT:
        return (EMPTY,)
    usual = card.image_limits
    if border_share(image) > max(BORDER_SHARE, usual["border"].high if usual else 0.0):
        return (NO_BORDER,)
    return quality_flags(image_quality(image), usual) if usual else ()


def is_out_of_distribution(distance: float | None, card: Card) -> bool:
    """Whether a cell lies further from the training cells than the card allows."""
    known = card.out_of_distribution
    return known is not None and distance is not None and distance > known.limit.value


def _failed(evidence: Evidence, card: Card) -> Decision | None:
    return Decision(Verdict.ERROR, evidence.error) if evidence.error else None


def _empty(evidence: Evidence, card: Card) -> Decision | None:
    if EMPTY in evidence.flags:
        return Decision(Verdict.NOT_A_CELL, "nothing on the image is brighter than black")
    return None


def _odd(evidence: Evidence, card: Card) -> Decision | None:
    """A card without limits knows too little of its cells to turn an image away."""
    if not evidence.flags or card.image_limits is None:
        return None
    found = ", ".join(flag for flag in evidence.flags if flag != UNLIKE)
    return Decision(Verdict.NOT_A_CELL, f"not one whole cell: {found}") if found else None


def _unlike(evidence: Evidence, card: Card) -> Decision | None:
    known, distance = card.out_of_distribution, evidence.distance
    if known is None or not is_out_of_distribution(distance, card):
        return None
    return Decision(
        Verdict.NOT_A_CELL,
        f"unlike the cells the model was trained on: distance {distance:.1f}, usual up to "
        f"{known.limit.value:.1f}",
    )


def _probability(evidence: Evidence, card: Card) -> Decision | None:
    if evidence.p_all is None:
        return None
    return predicted_class(evidence.p_all, threshold(card), prediction_set(card))


RULES: tuple[Rule, ...] = (_failed, _empty, _odd, _unlike, _probability)
