"""The parts of a leakage study: protocols, metrics, runs and results."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.values import Estimate
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.cells import Floats
from leukoscope.evaluation.metrics.metrics import METRIC

PROTOCOLS = {
    "image": "Split by image: every subset has cells of every person.",
    "subject": "Split by official subject id; one person can have several ids.",
    "official": "One official fold is the test subset, another one for each seed.",
    "person": "Split by person, as found by the audit.",
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
    """The size of one subset of a run."""

    all_cells: int
    hem_cells: int
    persons: int

    @property
    def cells(self) -> int:
        """Number of cells of both classes."""
        return self.all_cells + self.hem_cells


@dataclass(frozen=True)
class MeasuredRun:
    """One run with its predictions for the N cells of its test subset.

    Attributes:
        recipe: The name of the recipe.
        split: One of `PROTOCOLS`.
        seed: Seed of the split, the selection of cells and the training.
        folder: The folder of its files.
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        person: (N,) object, "" where unknown.
        seen: (N,) bool, whether the training or validation subset has cells of the same person.
        threshold: The operating point, set on the run's own validation subset.
        metrics: The metrics of its evaluation, by key.
        parts: Size of each subset.
        fold: The official fold that was tested, otherwise "".
        epochs: Number of epochs; 0 for an estimator.
        seconds: Duration of the epochs.
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
    metrics: Mapping[str, Estimate]
    parts: Mapping[str, SubsetCounts]
    fold: str = ""
    epochs: int = 0
    seconds: float = nan


@dataclass(frozen=True)
class ProtocolResult:
    """The results of one recipe under one protocol.

    Attributes:
        recipe: The name of the recipe.
        split: The protocol.
        values: Metrics by seed and key.
        mean: The mean over the seeds by key, with its interval.
        common: The seeds that the split by person has too; none for that split itself.
        gap: The mean over those minus the mean of the split by person, by key; empty without any.
    """

    recipe: str
    split: str
    values: Mapping[int, Mapping[str, float]]
    mean: Mapping[str, Estimate]
    common: tuple[int, ...]
    gap: Mapping[str, Estimate]


@dataclass(frozen=True)
class Study:
    """All finished runs on one data set, and their results."""

    data: str
    synthetic: bool
    runs: tuple[MeasuredRun, ...]
    results: tuple[ProtocolResult, ...]

    def __repr__(self) -> str:
        recipes = ", ".join(dict.fromkeys(result.recipe for result in self.results))
        return f"<Study of leaky splits: {counted(len(self.runs), 'run')} of {recipes}>"
