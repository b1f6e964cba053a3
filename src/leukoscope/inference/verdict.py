"""Rules from evidence to a verdict, applied in order; the first that gives a decision decides.

With a card without abstention fields (schema 1) every image that is not empty gets an answer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from leukoscope.core.values import ConformalThresholds
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.evidence import Evidence
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.rejection.flags import Flag


@dataclass(frozen=True)
class Decision:
    """A verdict, with the reason for a reader if it is not an answer."""

    verdict: Verdict
    reason: str = ""


CUT_OUT = "cut its cells out first: Find cells in the app, or `leukoscope cells`"
"""What to do with a picture that has no black border."""

Rule = Callable[[Evidence, Card], Decision | None]


def decide(evidence: Evidence, card: Card) -> Decision:
    """Decide on one image.

    A cell is predicted to be a blast from the operating point's threshold on, or from 0.5 without
    an operating point. The prediction becomes the verdict only if it is the one class in the card's
    prediction set; a card without abstention has none, and each prediction becomes the verdict.
    """
    for rule in RULES:
        decision = rule(evidence, card)
        if decision is not None:
            return decision
    return Decision(Verdict.ERROR, "the model gave no number")


def threshold(card: Card) -> float:
    """The probability of ALL from which a cell is predicted to be a blast."""
    return card.operating_point.threshold if card.operating_point else 0.5


def conformal_thresholds(card: Card) -> ConformalThresholds | None:
    """The bounds of the card's prediction sets; None if it never abstains."""
    return card.abstention.thresholds if card.abstention else None


def predicted_class(
    p_all: float, threshold: float, conformal: ConformalThresholds | None
) -> Decision:
    """Decide by the probability alone.

    As the probability rises the verdict goes from normal over uncertain to blast and never back,
    whatever the threshold: if threshold and prediction set disagree, the cell is uncertain.

    Args:
        p_all: Calibrated probability of ALL.
        threshold: The probability from which a cell is predicted to be a blast; the model's, or a
            case's own.
        conformal: Result of `conformal_thresholds`.
    """
    verdict, wanted = (Verdict.BLAST, "ALL") if p_all >= threshold else (Verdict.NORMAL, "HEM")
    classes = (wanted,) if conformal is None else conformal.classes(p_all)
    if classes == (wanted,):
        return Decision(verdict)
    if len(classes) == 1:
        reason = f"the probability fits {classes[0]} only, but the threshold predicts {wanted}"
    else:
        reason = f"the probability fits {'both classes' if classes else 'neither class'}"
    return Decision(Verdict.UNCERTAIN, reason)


def _failed(evidence: Evidence, card: Card) -> Decision | None:
    return Decision(Verdict.ERROR, evidence.error) if evidence.error else None


def _empty(evidence: Evidence, card: Card) -> Decision | None:
    if Flag.EMPTY in evidence.quality:
        return Decision(Verdict.NOT_A_CELL, "nothing on the image is brighter than black")
    return None


def _low_quality(evidence: Evidence, card: Card) -> Decision | None:
    """Reject by quality; a card without limits knows too little of its cells for that."""
    if not evidence.quality or card.image_limits is None:
        return None
    way_on = f"; {CUT_OUT}" if Flag.NO_BORDER in evidence.quality else ""
    reasons = ", ".join(evidence.quality)
    return Decision(Verdict.NOT_A_CELL, f"not one whole cell: {reasons}{way_on}")


def _unlike_training(evidence: Evidence, card: Card) -> Decision | None:
    if evidence.exceeded is None:
        return None
    return Decision(
        Verdict.NOT_A_CELL,
        f"unlike the cells the model was trained on: distance {evidence.distance:.1f}, usual up to "
        f"{evidence.exceeded:.1f}",
    )


def _probability(evidence: Evidence, card: Card) -> Decision | None:
    if evidence.p_all is None:
        return None
    return predicted_class(evidence.p_all, threshold(card), conformal_thresholds(card))


RULES: tuple[Rule, ...] = (_failed, _empty, _low_quality, _unlike_training, _probability)
