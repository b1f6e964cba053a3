"""Values that model cards, evaluation and training share, each as one class.

A class has the fields that the model card holds. Where an evaluation's record has another form, the
reader and writer of that file map it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

from leukoscope.core.files import natural_key
from leukoscope.core.listing import listed


@dataclass(frozen=True)
class Cells:
    """The cells that a metric was measured on or a threshold was chosen on, as counts."""

    part: str
    persons: int
    cells: int


@dataclass(frozen=True)
class OperatingPoint:
    """The probability from which a cell is predicted to be ALL, and its performance where chosen.

    Attributes:
        threshold: ALL is predicted for `p >= threshold`.
        target_recall: The wanted sensitivity for ALL.
        recall: Fraction of ALL cells at or above the threshold; nan if not known.
        specificity: Fraction of HEM cells below the threshold; nan without HEM cells.
        set_on: The cells it was chosen on.
    """

    threshold: float
    target_recall: float
    recall: float
    specificity: float
    set_on: Cells

    def __post_init__(self) -> None:
        for name in ("threshold", "target_recall", "recall", "specificity"):
            value = getattr(self, name)
            if value < 0 or value > 1:
                raise ValueError(f"{name} must be from 0 to 1, got {value}")


@dataclass(frozen=True)
class Limit:
    """A bound that a fraction `alpha` of the cells of a new person exceeds, on average at most.

    Attributes:
        value: The bound; a score up to and including it is within the limit.
        alpha: The wanted fraction.
        guaranteed: There were enough persons to guarantee the fraction, on average over persons.
            Otherwise it is the fraction among the persons at hand, and guarantees nothing. See
            `leukoscope.evaluation.metrics.conformal`.
        persons: How many persons it was set on.
        cells: How many cells it was set on.
    """

    value: float
    alpha: float
    guaranteed: bool
    persons: int
    cells: int

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < 1:
            raise ValueError(f"alpha must be from 0 to below 1, got {self.alpha}")


@dataclass(frozen=True)
class ConformalThresholds:
    """The two probabilities of ALL that bound the prediction sets.

    ALL is in the set from `all_from` on, HEM up to `hem_to`: where these overlap both are, and
    where they leave a gap neither.
    """

    all_from: float
    hem_to: float

    def classes(self, p_all: float) -> tuple[str, ...]:
        """The prediction set: one class, both, or none."""
        hem = ("HEM",) if p_all <= self.hem_to else ()
        return (*hem, "ALL") if p_all >= self.all_from else hem


@dataclass(frozen=True)
class Abstention:
    """The conformal thresholds with their error rates and the cells they were set on.

    At most a fraction `all_from.alpha` of ALL cells and `hem_to.alpha` of HEM cells may lose their
    own class.
    """

    method: str
    all_from: Limit
    hem_to: Limit

    @property
    def thresholds(self) -> ConformalThresholds:
        """The two thresholds alone."""
        return ConformalThresholds(self.all_from.value, self.hem_to.value)


@dataclass(frozen=True)
class SplitReference:
    """The split that a model was trained on. `leaky`: a person can occur in two parts."""

    kind: str
    seed: int
    leaky: bool


@dataclass(frozen=True)
class Overlap:
    """The overlap of a cohort with a model's training and validation cells.

    `hashes` counts the cohort's cells whose image the model has seen.
    """

    persons: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    hashes: int = 0

    def __bool__(self) -> bool:
        """True if anything is shared."""
        return bool(self.persons or self.subjects or self.hashes)

    @property
    def ids(self) -> tuple[str, ...]:
        """The shared ids of persons and subjects, each once, in natural order."""
        return tuple(sorted({*self.persons, *self.subjects}, key=natural_key))

    def text(self) -> str:
        """The overlap as text: "2 of these person or subject ids (1, 15) and 3 of these images"."""
        ids = self.ids
        named = f" ({listed(ids)})" if ids else ""
        shared = f"{len(ids):,} of these person or subject ids{named}"
        return f"{shared} and {self.hashes:,} of these images"


@dataclass(frozen=True)
class Estimate:
    """A metric with its 95 % interval, or with the reason why it has none; nan if undefined."""

    value: float
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        """As a report prints it: "0.93 (0.88 to 0.97)"."""
        return _text(self.value, self.low, self.high, ".3f")

    def signed(self) -> str:
        """As a report prints a difference: "+0.012 (-0.003 to +0.027)"."""
        return _text(self.value, self.low, self.high, "+.3f")


@dataclass(frozen=True)
class MetricResult:
    """An estimate as a model card holds it: None if undefined, and the cells it was measured on."""

    value: float | None
    low: float | None
    high: float | None
    part: str
    persons: int
    cells: int

    @classmethod
    def of(cls, estimate: Estimate, cells: Cells) -> "MetricResult":
        """Keep an estimate with the cells it was measured on."""
        value = None if isnan(estimate.value) else estimate.value
        return cls(value, estimate.low, estimate.high, cells.part, cells.persons, cells.cells)

    def __str__(self) -> str:
        """As a report prints it: "0.93 (0.88 to 0.97)"."""
        return _text(self.value, self.low, self.high, ".3f")


def _text(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if value is None or isnan(value):
        return "not defined"
    if low is None or high is None:
        return f"{value:{form}} (no interval)"
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


def flat(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The leaves of a tree of mappings, and of lists of them, by their dotted names."""
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            value = {str(number): item for number, item in enumerate(value)}
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{above}{name}.")
        else:
            leaves[above + name] = value
    return leaves
