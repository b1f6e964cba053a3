"""The model of subjects: how the logits of cells vary between persons and within a person.

Random effects, for each class: the means of persons are normal around the mean of their class, and
the cells of a person scatter around the mean of that person. A card holds these few numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MINIMUM_CELLS = 5
"""With fewer cells, no subject gets a verdict."""


@dataclass(frozen=True)
class ClassEffects:
    """The persons of one class, in uncalibrated logits.

    Attributes:
        mean: Mean of the persons' means.
        deviation: Standard deviation of the persons' means, without the scatter of their cells.
        scatter: Standard deviation of a person's cells: the geometric mean over persons.
        log_scatter_deviation: Standard deviation of the logarithm of the scatter over persons.
        persons: Number of persons.
    """

    mean: float
    deviation: float
    scatter: float
    log_scatter_deviation: float
    persons: int

    def __post_init__(self) -> None:
        if not (self.deviation > 0 and self.scatter > 0 and self.log_scatter_deviation >= 0):
            raise ValueError("deviation and scatter must be above 0")
        if self.persons < 2:
            raise ValueError(f"persons must be at least 2, got {self.persons}")


@dataclass(frozen=True)
class CurvePoint:
    """Performance for persons left out, of whom a number of random cells was used.

    Attributes:
        cells: Number of cells; persons with fewer are in with all their cells.
        auroc: AUROC of persons.
        sensitivity: Fraction of persons with ALL whose probability is at least 0.5.
        specificity: Fraction of persons with HEM whose probability is below 0.5.
        answered: Fraction of persons with a verdict other than uncertain.
        wrong: Fraction of persons with the verdict of the other class.
    """

    cells: int
    auroc: float
    sensitivity: float
    specificity: float
    answered: float
    wrong: float

    def __post_init__(self) -> None:
        values = (self.auroc, self.sensitivity, self.specificity, self.answered, self.wrong)
        if self.cells < 1 or not all(0 <= value <= 1 for value in values):
            raise ValueError("cells must be above 0, and the rest from 0 to 1")


@dataclass(frozen=True)
class SubjectModel:
    """From the logits of a subject's cells to the answer for the subject.

    Attributes:
        normal: The persons with HEM cells.
        leukemic: The persons with ALL cells.
        low: Smaller logits count as this one, so that no single cell decides.
        high: Larger logits count as this one.
        inflation: Factor of the variance between persons, at least 1; calibrated on persons left
            out.
        context_temperature: Divides the logit in context before the sigmoid.
        part: The cells it was fitted on.
        curve: Performance against the number of cells.
    """

    normal: ClassEffects
    leukemic: ClassEffects
    low: float
    high: float
    inflation: float
    context_temperature: float
    part: str
    curve: tuple[CurvePoint, ...] = ()

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low} and {self.high}")
        if self.inflation < 1:
            raise ValueError(f"inflation must be at least 1, got {self.inflation}")
        if self.context_temperature <= 0:
            raise ValueError("context_temperature must be above 0")

    def clip(self, logits: Sequence[float] | Floats) -> Floats:
        """Limit logits to the range from `low` to `high`."""
        return np.clip(np.asarray(logits, np.float64), self.low, self.high)

    @property
    def between(self) -> float:
        """Variance of persons' means within a class, pooled over persons and inflated."""
        pairs = [(one.deviation**2, one.persons - 1) for one in (self.normal, self.leukemic)]
        pooled = sum(v * n for v, n in pairs) / sum(n for _, n in pairs)
        return self.inflation * pooled

    @property
    def within(self) -> float:
        """Variance of a person's cells, the mean of both classes."""
        return (self.normal.scatter**2 + self.leukemic.scatter**2) / 2


@dataclass(frozen=True)
class LogOdds:
    """Log-odds of a leukemic population at equal priors, and their standard error."""

    value: float
    error: float


def log_odds(model: SubjectModel, mean: float, cells: int) -> LogOdds:
    """The log-odds of a leukemic population, given the mean logit of some cells.

    The mean of n cells has the variance `between + within / n` under either class, so the log-odds
    are linear in it, and the slope is flatter for fewer cells. The error has three sources, by the
    delta method: the scatter of the mean, the class means, and the variance between persons, each
    known from few persons. A model whose classes are in the wrong order gives 0.

    Source: S. R. Searle, G. Casella, C. E. McCulloch, "Variance components", Wiley 1992.

    Args:
        model: The model.
        mean: Mean of the clipped logits.
        cells: Number of cells, at least 1.
    """
    normal, leukemic = model.normal, model.leukemic
    separation = max(leukemic.mean - normal.mean, 0.0)
    variance = model.between + model.within / cells
    center = mean - (leukemic.mean + normal.mean) / 2
    slope = separation / variance
    value = slope * center
    if not separation:
        return LogOdds(0.0, 0.0)
    by_leukemic = center / variance - slope / 2
    by_normal = -center / variance - slope / 2
    persons = normal.persons + leukemic.persons
    relative = model.between / variance * sqrt(2 / (persons - 2))
    squared = (
        slope**2 * model.within / cells
        + by_leukemic**2 * model.between / leukemic.persons
        + by_normal**2 * model.between / normal.persons
        + (value * relative) ** 2
    )
    return LogOdds(value, sqrt(squared))


def in_context(model: SubjectModel, logits: Sequence[float] | Floats) -> Floats:
    """Each cell's logit, half its own and half the mean of the subject's other cells, calibrated.

    A cell that is alone keeps its own logit, calibrated in the same way.

    Args:
        model: The model.
        logits: (N,) uncalibrated logits of all usable cells of one subject.

    Returns:
        (N,) calibrated logits.
    """
    return mixed_with_others(np.asarray(logits, np.float64)) / model.context_temperature


def mixed_with_others(logits: Floats) -> Floats:
    """Half of each logit and half the mean of the others, (N,); a single logit stays as it is."""
    if len(logits) < 2:
        return logits
    others = (logits.sum() - logits) / (len(logits) - 1)
    return np.asarray((logits + others) / 2)
