"""Compare runs: groups of comparable runs, their ranks, and differences from a baseline.

Metrics of two runs are comparable only if both were trained on the same cells and evaluated on the
same cells. So runs are ranked within such groups and never across groups.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from leukoscope.core.values import Estimate
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.bootstrap import REPLICATES, paired_difference
from leukoscope.evaluation.metrics.metrics import METRIC
from leukoscope.evaluation.predictions import Predictions, why_not_paired
from leukoscope.evaluation.record import Evaluation


@dataclass(frozen=True)
class Speed:
    """Images per second of a model file, in rounds alternating with the other models."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Entry:
    """An evaluated run with everything that is compared.

    Attributes:
        name: Its unique name.
        recipe: The name of its recipe.
        settings: Its changes to the packaged recipe, "NAME=VALUE" each.
        evaluation: The result of its evaluation.
        predictions: The predictions for each cell.
        training: A hash of the training cells and the split.
        cohort: A hash of all its cells, of every subset.
        file_bytes: Size of the model file.
        weights: Number of parameters of a network; None if unknown.
        epochs: Number of epochs; None for an estimator.
        seconds: Duration of the training; None if it is not recorded.
        speed: None if it was not measured.
    """

    name: str
    recipe: str
    settings: tuple[str, ...]
    evaluation: Evaluation
    predictions: Predictions
    training: str
    cohort: str
    file_bytes: int
    weights: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    speed: Speed | None = None

    @property
    def protocol(self) -> tuple[object, ...]:
        """Everything that two runs must share to be ranked together."""
        how = self.evaluation.protocol
        target = self.evaluation.operating_point.target_recall
        return (
            self.predictions.cells,
            self.training,
            how.split,
            how.part,
            self.evaluation.leaky,
            how.synthetic,
            target,
        )

    def value(self, metric: str) -> float:
        """The value of a metric; nan if it is undefined."""
        return self.evaluation.metrics[metric].value


@dataclass(frozen=True)
class Difference:
    """A run minus its baseline, by metric; or, without estimates, the reason why there is none.

    `remark` also states any difference in the protocol.
    """

    baseline: str
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True)
class Row:
    """A run in its group. `rank` is None if the run is alone or its metric is undefined."""

    entry: Entry
    rank: int | None = None
    difference: Difference | None = None
    is_baseline: bool = False


@dataclass(frozen=True)
class Group:
    """Runs that were trained and evaluated on the same cells; the best first."""

    rows: tuple[Row, ...]

    @property
    def first(self) -> Entry:
        """One of its runs, for the properties that all share."""
        return self.rows[0].entry

    @property
    def leaky(self) -> bool:
        """True if training and test data overlap, so that the metrics are too good."""
        return self.first.evaluation.leaky


def grouped(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Group runs by protocol: groups without leaks first, then by split, seed and size."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.protocol, []).append(entry)

    def place(group: list[Entry]) -> tuple[object, ...]:
        how = group[0].evaluation.protocol
        seed = -1 if how.split_seed is None else how.split_seed
        return group[0].evaluation.leaky, how.split, how.part, seed, -len(group), group[0].name

    return sorted(groups.values(), key=place)


def ranked(group: Sequence[Entry], metric: str) -> list[tuple[Entry, int | None]]:
    """Rank the runs of one group, the best first; equal values share a rank.

    A run whose metric is undefined comes last and has no rank; nor has a run that is alone.
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
    """Group and rank runs, and compute differences from baselines.

    Args:
        entries: The runs.
        metric: The metric to rank by; a key of `METRICS`.
        baselines: Runs among them to subtract. Every other run is compared with the first of these
            with the same protocol, otherwise with the first that was evaluated on its cells.
        replicates: Number of bootstrap draws.
        track: Shows progress over the differences.

    Returns:
        The groups, those without leaks first.
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
    paired = [one for one in baselines if not why_not_paired(one.predictions, entry.predictions)]
    return next(iter([*alike, *paired]), None)


def _difference(
    entry: Entry, baseline: Entry | None, baselines: Sequence[Entry], replicates: int
) -> Difference | None:
    """None without a baseline, and for the baseline itself."""
    if not baselines or entry is baseline:
        return None
    if baseline is None:
        if len(baselines) > 1:
            return Difference("", remark="no run of the baseline's recipe has these cells")
        reason = why_not_paired(baselines[0].predictions, entry.predictions)
        return Difference(baselines[0].name, remark=reason)
    estimates = paired_difference(
        entry.predictions.label,
        baseline.predictions.p,
        entry.predictions.p,
        entry.predictions.person,
        thresholds=(
            baseline.evaluation.operating_point.threshold,
            entry.evaluation.operating_point.threshold,
        ),
        replicates=replicates,
    )
    return Difference(baseline.name, estimates, _protocol_difference(entry, baseline))


def _protocol_difference(entry: Entry, baseline: Entry) -> str:
    """The difference of the protocols of two runs with the same cells, as text."""
    if entry.protocol == baseline.protocol:
        return ""
    if entry.training == baseline.training:
        return "the same cells and training, but not the same protocol"
    mine, other = (_training_text(one) for one in (entry, baseline))
    return f"the same cells, but trained on others: {mine}; the baseline {other}"


def _training_text(entry: Entry) -> str:
    how = entry.evaluation.protocol
    persons, cells = len(how.persons.get("train", ())), how.cells.get("train", 0)
    return f"{how.split}, on {counted(cells, 'cell')} of {counted(persons, 'person')}"
