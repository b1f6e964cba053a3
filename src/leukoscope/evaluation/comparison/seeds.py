"""Several divisions of one cohort, drawn from several seeds: means and ranges by recipe.

Such a mean is over different test persons. Its range says how far a figure hangs on who is tested;
it is no confidence interval, and the test sets overlap.
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
    """A mean over test sets, and the least and greatest figure of a run."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """As a table prints it: "0.690 (0.545 to 0.895)"."""
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class SeedMean:
    """One recipe under one kind of split, over the seeds that drew it.

    Attributes:
        recipe: Its name.
        settings: What was changed of it.
        split: How the parts were made, in words.
        leaky: Whether that flatters.
        runs: Names of the runs.
        test_sets: How many different sets of test cells they were measured on, at least 2.
        metrics: Figures at the operating point; none that is not defined in every run.
        at_half: The figures that need a threshold, at 0.5.
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
    """Means for each recipe and kind of split with two or more sets of test cells.

    A test set counts once, however many runs were measured on it. Only runs on one cohort, divided
    in different ways, come together.
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
        sets.setdefault((entry.answers.cells, entry.training), []).append(entry)
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
    """Spreads by metric, from the figures of the runs on each test set."""
    found = {}
    for metric in METRICS:
        if metric.key not in sets[0][0]:
            continue
        values = [[figures[metric.key].value for figures in runs] for runs in sets]
        every = [value for runs in values for value in runs]
        if not any(map(isnan, every)):
            found[metric.key] = Spread(fmean(map(fmean, values)), min(every), max(every))
    return found
