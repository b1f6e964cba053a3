"""The answer for one subject: a probability, a verdict, and the fraction of blasts."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from leukoscope.core.statistics import sigmoid
from leukoscope.core.verdicts import SubjectVerdict
from leukoscope.core.wording import count
from leukoscope.inference.subject.mixture import blast_fraction
from leukoscope.inference.subject.model import MINIMUM_CELLS, Floats, SubjectModel, log_odds

SURE = 0.8
"""A verdict needs at least this probability, at equal priors."""
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class SubjectAnswer:
    """The answer for one subject, from its cells. It is not a statement about a patient.

    Attributes:
        verdict: Leukemic, normal, or uncertain.
        reason: Why it is uncertain; "" if it is not.
        cells: Number of usable cells: those that the model took for cells, whatever their verdict.
        probability: Calibrated probability that the cells are a leukemic population, at equal
            priors; None without a usable cell.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        blasts: Most likely fraction of blasts; None with too few cells.
        blasts_low: Lower end of its 95 % interval.
        blasts_high: Upper end of its 95 % interval.
        copies: Number of further usable cells that are copies of these, and were left out.
    """

    verdict: SubjectVerdict
    reason: str
    cells: int
    probability: float | None = None
    low: float | None = None
    high: float | None = None
    blasts: float | None = None
    blasts_low: float | None = None
    blasts_high: float | None = None
    copies: int = 0

    def text(self) -> str:
        """The answer in one line."""
        cells = count(self.cells, "usable cell")
        if self.copies:
            cells += f" ({count(self.copies, 'copy', 'is')} left out)"
        few = self.cells < MINIMUM_CELLS  # then a probability would say more than is known
        if few or self.probability is None or self.low is None or self.high is None:
            left_out = f"; {count(self.copies, 'copy', 'is')} left out" if self.copies else ""
            return f"{self.verdict} ({self.reason}{left_out})"
        reason = f" ({self.reason})" if self.reason else ""
        text = (
            f"{self.verdict}{reason}: probability of a leukemic population {self.probability:.3f} "
            f"(95 % interval {self.low:.3f} to {self.high:.3f}) from {cells}"
        )
        if self.blasts is None or self.blasts_low is None or self.blasts_high is None:
            return text
        return (
            f"{text}, estimated fraction of blasts {self.blasts:.0%} "
            f"({self.blasts_low:.0%} to {self.blasts_high:.0%})"
        )


def answer_subject(model: SubjectModel, logits: Sequence[float] | Floats) -> SubjectAnswer:
    """Answer for one subject.

    Args:
        model: From the card.
        logits: (N,) uncalibrated logits of the usable cells; N may be 0.
    """
    values = np.asarray(logits, np.float64)
    cells = len(values)
    if not cells:
        return SubjectAnswer(SubjectVerdict.UNCERTAIN, "no usable cell", 0)
    odds = log_odds(model, float(model.clip(values).mean()), cells)
    ends = (odds.value, odds.value - Z * odds.error, odds.value + Z * odds.error)
    probability, low, high = sigmoid(ends).tolist()
    if cells < MINIMUM_CELLS:
        few = f"{count(cells, 'usable cell')}, at least {MINIMUM_CELLS} are needed"
        return SubjectAnswer(SubjectVerdict.UNCERTAIN, few, cells, probability, low, high)
    blasts = blast_fraction(model, values)
    reason = ""
    if blasts.mixed:
        reason = "the cells look like a mixture of blasts and normal cells"
    elif 1 - SURE < probability < SURE:
        reason = "the probability fits both kinds of population"
    elif low < 0.5 < high:
        reason = "the interval of the probability includes 0.5"
    answer = SubjectVerdict.LEUKEMIC if probability >= 0.5 else SubjectVerdict.NORMAL
    return SubjectAnswer(
        SubjectVerdict.UNCERTAIN if reason else answer,
        reason,
        cells,
        probability,
        low,
        high,
        blasts.value,
        blasts.low,
        blasts.high,
    )
