"""Runs side by side: who may be ranked with whom, in what order, and by how much they differ.

Figures of two runs mean the same only where both were measured on the same cells after learning
from the same cells: so runs are ranked within such groups and never across.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from leukoscope.core.values import Estimate
from leukoscope.evaluation.metrics.bootstrap import REPLICATES, paired_difference
from leukoscope.evaluation.metrics.metrics import METRIC
from leukoscope.evaluation.predictions import Predictions, why_not_paired
from leukoscope.evaluation.record import Evaluation


@dataclass(frozen=True)
class Speed:
    """Images a second of a model file, in rounds that took turns with the other models."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Entry:
    """A run that was measured, and all that is compared of it.

    Attributes:
        name: What it is called by, unique.
        recipe: Its recipe's name.
        settings: What it changed of the recipe that comes with the package, a line each.
        evaluation: The record of its evaluation.
        answers: What it said of each cell.
        training: A hash of what it learned from, and of how the parts were made.
        cohort: A hash of all its cells, whatever part they stand in.
        file_bytes: Size of the model file.
        weights: Numbers that a network has learned; None where that is not known.
        epochs: Of the training; None where it has none.
        seconds: Of the training; None where they are not on record.
        speed: Where it was measured.
    """

    name: str
    recipe: str
    settings: tuple[str, ...]
    evaluation: Evaluation
    answers: Predictions
    training: str
    cohort: str
    file_bytes: int
    weights: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    speed: Speed | None = None

    @property
    def protocol(self) -> tuple[object, ...]:
        """What two runs must share for their figures to be ranked together."""
        how = self.evaluation.protocol
        target = self.evaluation.operating_point.target_recall
        return (
            self.answers.cells,
            self.training,
            how.split,
            how.part,
            self.evaluation.leaky,
            how.synthetic,
            target,
        )

    def value(self, metric: str) -> float:
        """The figure of a metric; nan where it is not defined."""
        return self.evaluation.metrics[metric].value


@dataclass(frozen=True)
class Difference:
    """A run less its baseline, by metric; or, with no estimates, why there is none.

    `remark` also says in what else than its model the run differs.
    """

    baseline: str
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True)
class Row:
    """A run in its group. `rank` is None where it stands alone or its figure is not defined."""

    entry: Entry
    rank: int | None = None
    difference: Difference | None = None
    is_baseline: bool = False


@dataclass(frozen=True)
class Group:
    """Runs that were trained and measured on the same cells; the best first."""

    rows: tuple[Row, ...]

    @property
    def first(self) -> Entry:
        """Any of its runs, for what they share."""
        return self.rows[0].entry

    @property
    def leaky(self) -> bool:
        """Whether training and test are not apart, so that the figures flatter."""
        return self.first.evaluation.leaky


def grouped(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Runs of one protocol together: honest groups first, then by split, seed and size."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.protocol, []).append(entry)

    def place(group: list[Entry]) -> tuple[object, ...]:
        how = group[0].evaluation.protocol
        seed = -1 if how.split_seed is None else how.split_seed
        return group[0].evaluation.leaky, how.split, how.part, seed, -len(group), group[0].name

    return sorted(groups.values(), key=place)


def ranked(group: Sequence[Entry], metric: str) -> list[tuple[Entry, int | None]]:
    """The runs of one group, the best first, with their ranks; equal figures share one.

    A run whose figure is not defined comes last and has no rank, and neither has one that stands
    alone.
    """
    sign = -1.0 if METRIC[metric].higher_is_better else 1.0
    known = [entry for entry in group if not isnan(entry.value(metric))]
    known.sort(key=lambda entry: (sign * entry.value(metric), entry.name))
    values = [entry.value(metric) for entry in known]
    ranks = [values.index(value) + 1 if len(known) > 1 else None for value in values]
    unknown = [(entry, None) for entry in group if isnan(entry.value(metric))]
    return [*zip(known, ranks, strict=True), *unknown]


def compare_entries(
    entries: Sequence[Entry],
    metric: str,
    baselines: Sequence[Entry] = (),
    *,
    replicates: int = REPLICATES,
    track: Callable[[Iterable[Any], str, int], Iterator[Any]] = lambda items, _t, _n: iter(items),
) -> tuple[Group, ...]:
    """Group, rank and pair runs.

    Args:
        entries: The runs.
        metric: A key of `METRICS`, which ranks.
        baselines: Runs among them to subtract; each other run is paired with the first of these
            that shares its protocol, else with the first that was measured on its cells.
        replicates: Draws of the person bootstrap.
        track: Shows progress over the differences.

    Returns:
        The groups, honest ones first.
    """
    chosen = {entry.name: _baseline_of(entry, baselines) for entry in entries}
    differences = {
        entry.name: _difference(entry, chosen[entry.name], baselines, replicates)
        for entry in track(entries, "Comparing runs", len(entries))
    }
    return tuple(
        Group(
            tuple(
                Row(entry, rank, differences[entry.name], chosen[entry.name] is entry)
                for entry, rank in ranked(group, metric)
            )
        )
        for group in grouped(entries)
    )


def _baseline_of(entry: Entry, baselines: Sequence[Entry]) -> Entry | None:
    alike = [one for one in baselines if one.protocol == entry.protocol]
    paired = [one for one in baselines if not why_not_paired(one.answers, entry.answers)]
    return next(iter([*alike, *paired]), None)


def _difference(
    entry: Entry, baseline: Entry | None, baselines: Sequence[Entry], replicates: int
) -> Difference | None:
    """None where no difference was asked for, or the run is the baseline itself."""
    if not baselines or entry is baseline:
        return None
    if baseline is None:
        if len(baselines) > 1:
            return Difference("", remark="no run of the baseline's recipe has these cells")
        reason = why_not_paired(baselines[0].answers, entry.answers)
        return Difference(baselines[0].name, remark=reason)
    estimates = paired_difference(
        entry.answers.label,
        baseline.answers.p,
        entry.answers.p,
        entry.answers.person,
        thresholds=(
            baseline.evaluation.operating_point.threshold,
            entry.evaluation.operating_point.threshold,
        ),
        replicates=replicates,
    )
    return Difference(baseline.name, estimates, _otherwise(entry, baseline))


def _otherwise(entry: Entry, baseline: Entry) -> str:
    """In what protocols differ, where the cells are the same."""
    if entry.protocol == baseline.protocol:
        return ""
    if entry.training == baseline.training:
        return "the same cells and training, but not the same protocol"
    mine, other = (_learned_from(one) for one in (entry, baseline))
    return f"the same cells, but trained on others: {mine}; the baseline {other}"


def _learned_from(entry: Entry) -> str:
    how = entry.evaluation.protocol
    persons, cells = len(how.persons.get("train", ())), how.cells.get("train", 0)
    return f"{how.split}, on {cells:,} cells of {persons} persons"
