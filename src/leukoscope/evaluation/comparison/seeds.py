"""Means and ranges by recipe over several splits of one cohort, drawn from several seeds.

Such a mean is over different test persons. Its range shows how much a metric depends on the choice
of test persons; it is not a confidence interval, and the test sets overlap.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from statistics import fmean

from leukoscope.core.values import Estimate
from leukoscope.evaluation.comparison.comparison import Entry
from leukoscope.evaluation.metrics.metrics import METRICS


@dataclass(frozen=True)
class Spread:
    """A mean over test sets, and the lowest and highest value of a run."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """As a table prints it: "0.690 (0.545 to 0.895)"."""
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class SeedMean:
    """One recipe with one kind of split, over several seeds.

    Attributes:
        recipe: Its name.
        settings: Its changed settings.
        split: The kind of split, as text.
        leaky: Whether the split is leaky.
        runs: Names of the runs.
        test_sets: Number of different sets of test cells, at least 2.
        metrics: Metrics at the operating point that are defined in every run.
        at_half: The metrics that need a threshold, at a threshold of 0.5.
    """

    recipe: str
    settings: tuple[str, ...]
    split: str
    leaky: bool
    runs: tuple[str, ...]
    test_sets: int
    metrics: Mapping[str, Spread]
    at_half: Mapping[str, Spread]


def seed_means(entries: Iterable[Entry]) -> tuple[SeedMean, ...]:
    """Compute means for each recipe and kind of split with two or more sets of test cells.

    A test set counts once, however many runs were evaluated on it. Only runs on one cohort with
    different splits are combined.
    """
    alike: dict[tuple[object, ...], list[Entry]] = {}
    for entry in entries:
        how = entry.evaluation.protocol
        target = entry.evaluation.operating_point.target_recall
        key = (entry.evaluation.leaky, how.split, how.part, entry.recipe, entry.settings)
        alike.setdefault((*key, entry.cohort, target), []).append(entry)
    means = [_mean(group) for group in alike.values() if len(_test_sets(group)) > 1]
    return tuple(sorted(means, key=lambda one: (one.leaky, one.split, one.recipe, one.settings)))


def _test_sets(group: list[Entry]) -> dict[tuple[object, ...], list[Entry]]:
    sets: dict[tuple[object, ...], list[Entry]] = {}
    for entry in group:
        sets.setdefault((entry.predictions.cells, entry.training), []).append(entry)
    return sets


def _mean(group: list[Entry]) -> SeedMean:
    first, sets = group[0], list(_test_sets(group).values())
    return SeedMean(
        first.recipe,
        first.settings,
        first.evaluation.protocol.split,
        first.evaluation.leaky,
        tuple(entry.name for entry in group),
        len(sets),
        _spreads([[entry.evaluation.metrics for entry in runs] for runs in sets]),
        _spreads([[entry.evaluation.metrics_at_half for entry in runs] for runs in sets]),
    )


def _spreads(sets: list[list[Mapping[str, Estimate]]]) -> dict[str, Spread]:
    """Spreads by metric, from the metrics of the runs on each test set."""
    spreads = {}
    for metric in METRICS:
        if metric.key not in sets[0][0]:
            continue
        values = [[metrics[metric.key].value for metrics in runs] for runs in sets]
        every = [value for runs in values for value in runs]
        if not any(map(isnan, every)):
            spreads[metric.key] = Spread(fmean(map(fmean, values)), min(every), max(every))
    return spreads
