"""Published results of other systems beside ours: stated by their authors, not measured here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from importlib.resources.abc import Traversable
from math import isfinite
from pathlib import Path
from typing import Any

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.tables import read_table
from leukoscope.core.yaml_files import read_yaml
from leukoscope.evaluation.comparison.comparison import Entry
from leukoscope.evaluation.comparison.seeds import SeedMean
from leukoscope.evaluation.metrics.metrics import METRIC

PACKAGED = "published.yaml"
CHALLENGE = "challenge.yaml"
MARK = "stated by the authors, not measured here"


@dataclass(frozen=True)
class PublishedResult:
    """One result that others published.

    Attributes:
        system: The system, in their words.
        recipe: Our recipe that follows it.
        protocol: How they measured it, as far as they state it.
        metric: A key of `METRICS`.
        value: The published value.
        source: The reference.
    """

    system: str
    recipe: str
    protocol: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class PublishedComparison:
    """A published result beside one of ours: of a run, or a mean over seeds.

    Attributes:
        claim: The published result.
        ours: Name of the run, or number of test sets; "" if no run has the recipe.
        split: The kind of our split, as text.
        leaky: Whether our split is leaky.
        at_point: Our result at the operating point, with its interval or range.
        at_half: The same at a threshold of 0.5, if the metric needs a threshold.
    """

    claim: PublishedResult
    ours: str = ""
    split: str = ""
    leaky: bool = False
    at_point: str = ""
    at_half: str = ""


def read_published(path: Path | str | None = None) -> tuple[PublishedResult, ...]:
    """Read published results: a .yaml list, or a table (.csv, .jsonl, .parquet) with one per row.

    Args:
        path: The file; by default the packaged results of five earlier systems.

    Raises:
        LeukoscopeError: It cannot be read, or a result lacks a field, has an unknown field, an
            unknown metric, or an invalid value.
    """
    named = PACKAGED if path is None else str(path)
    return _read(_packaged(PACKAGED) if path is None else Path(path), named)


def read_challenge() -> tuple[PublishedResult, ...]:
    """Read the published results on the official test sets of C-NMC 2019."""
    return _read(_packaged(CHALLENGE), CHALLENGE)


def _read(found: Traversable, named: str) -> tuple[PublishedResult, ...]:
    if found.name.endswith((".yaml", ".yml")):
        rows = _from_yaml(found, named)
    else:
        text = [field.name for field in fields(PublishedResult) if field.name != "value"]
        table = read_table(named, text=text)
        rows = [
            dict(zip(table, values, strict=True))
            for values in zip(*(column.tolist() for column in table.values()), strict=True)
        ]
    return tuple(
        _claim(row, f"{named}, result {number}") for number, row in enumerate(rows, start=1)
    )


def compare_with_published(
    published: Iterable[PublishedResult], entries: Sequence[Entry], means: Sequence[SeedMean]
) -> list[PublishedComparison]:
    """Put each published result beside ours of its recipe: means over seeds, and other runs."""
    rows = []
    for claim in published:
        own = [one for one in means if one.recipe == claim.recipe]
        covered = {name for one in own for name in one.runs}
        alone = [e for e in entries if e.recipe == claim.recipe and e.name not in covered]
        ours = [_of_mean(claim, one) for one in own] + [_of_run(claim, one) for one in alone]
        ours.sort(key=lambda row: (not row.leaky, row.split))  # theirs is most like the leaky ones
        rows += ours or [PublishedComparison(claim)]
    return rows


def _of_mean(claim: PublishedResult, mean: SeedMean) -> PublishedComparison:
    point, half = mean.metrics.get(claim.metric), mean.at_half.get(claim.metric)
    name = ", ".join([f"mean and range of {mean.test_sets} test sets", *mean.settings])
    at_point, at_half = ("" if one is None else str(one) for one in (point, half))
    return PublishedComparison(claim, name, mean.split, mean.leaky, at_point, at_half)


def _of_run(claim: PublishedResult, entry: Entry) -> PublishedComparison:
    record = entry.evaluation
    half = record.metrics_at_half.get(claim.metric)
    name = ", ".join([entry.name, *entry.settings])
    return PublishedComparison(
        claim,
        name,
        record.protocol.split,
        record.leaky,
        str(record.metrics[claim.metric]),
        "" if half is None else str(half),
    )


def _packaged(name: str) -> Traversable:
    return resources.files("leukoscope.evaluation.comparison") / name


def _from_yaml(path: Traversable, named: str) -> list[Any]:
    rows = read_yaml(path, named)
    if not isinstance(rows, list):
        raise LeukoscopeError(f"{named}: published results are a list, '- system: ...' for each.")
    return rows


def _claim(row: Any, where: str) -> PublishedResult:
    names = [field.name for field in fields(PublishedResult)]
    if not isinstance(row, dict) or set(row) != set(names):
        raise LeukoscopeError(
            f"{where}: a published result has the fields {', '.join(names)}, and no others."
        )
    if row["metric"] not in METRIC:
        raise LeukoscopeError(
            f"{where}: unknown metric {row['metric']!r}; choose one of {', '.join(METRIC)}."
        )
    value = row["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise LeukoscopeError(f"{where}: the value {value!r} is not a number.")
    texts = {name: str(row[name]) for name in names if name != "value"}
    return PublishedResult(value=float(value), **texts)
