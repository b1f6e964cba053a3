"""What a leakage study is made of: protocols, figures, runs, and what they come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.values import Estimate
from leukoscope.evaluation.metrics.cells import Floats
from leukoscope.evaluation.metrics.metrics import METRIC

PROTOCOLS = {
    "image": "Split by image: cells of every person stand in every part.",
    "subject": "Split by official subject id, under several of which one person may stand.",
    "official": "One official fold is the test, another one for each seed.",
    "person": "Split by person as the audit found them.",
}
HONEST = "person"


@dataclass(frozen=True)
class MetricSpec:
    """A metric of the study, with the threshold at the operating point or at 0.5."""

    metric: str
    at_half: bool = False

    @property
    def title(self) -> str:
        """Its name in tables and plots."""
        name, _, _ = METRIC[self.metric].title.partition(" (")
        return f"{name} at 0.5" if self.at_half else name

    @property
    def key(self) -> str:
        """Its name in tables."""
        return f"{self.metric}_at_half" if self.at_half else self.metric


LEAKAGE_METRICS = (
    MetricSpec("auroc"),
    MetricSpec("balanced_accuracy"),
    MetricSpec("sensitivity"),
    MetricSpec("specificity"),
    MetricSpec("f1_weighted"),
    MetricSpec("accuracy"),
    # Published results are at a threshold of 0.5.
    MetricSpec("f1_weighted", at_half=True),
    MetricSpec("accuracy", at_half=True),
)


@dataclass(frozen=True)
class SubsetCounts:
    """How much one part of a run holds."""

    all_cells: int
    hem_cells: int
    persons: int

    @property
    def cells(self) -> int:
        """Cells of both classes."""
        return self.all_cells + self.hem_cells


@dataclass(frozen=True)
class MeasuredRun:
    """One run and its answers for the N cells of its test part.

    Attributes:
        recipe: By its name.
        split: One of `PROTOCOLS`.
        seed: Of split, draw of cells and training.
        folder: Where its files are.
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) object, "" where not known.
        seen: (N,) bool, whether the cell's person has cells among those trained or validated on.
        threshold: The operating point, set on the run's own validation part.
        figures: What its evaluation measured, by key.
        parts: Part to its size.
        fold: The official fold tested, else "".
        epochs: How many were trained; 0 of an estimator.
        seconds: What the epochs took.
    """

    recipe: str
    split: str
    seed: int
    folder: str
    label: NDArray[np.int8]
    p: Floats
    person: NDArray[np.object_]
    seen: NDArray[np.bool_]
    threshold: float
    figures: Mapping[str, Estimate]
    parts: Mapping[str, SubsetCounts]
    fold: str = ""
    epochs: int = 0
    seconds: float = nan


@dataclass(frozen=True)
class ProtocolResult:
    """What one recipe reaches under one protocol.

    Attributes:
        recipe: By its name.
        split: The protocol.
        values: Seed to figure by key.
        mean: Key to the mean over the seeds, with interval.
        common: The seeds that the split by person has too; none for itself.
        gap: Key to the mean over those less the one of the split by person; empty without any.
    """

    recipe: str
    split: str
    values: Mapping[int, Mapping[str, float]]
    mean: Mapping[str, Estimate]
    common: tuple[int, ...]
    gap: Mapping[str, Estimate]


@dataclass(frozen=True)
class Study:
    """All finished runs of one data set, and what they come to."""

    data: str
    synthetic: bool
    runs: tuple[MeasuredRun, ...]
    levels: tuple[ProtocolResult, ...]

    def __repr__(self) -> str:
        recipes = ", ".join(dict.fromkeys(level.recipe for level in self.levels))
        return f"<Study of leaky splits: {len(self.runs)} runs of {recipes}>"
