"""Figures that others state of their systems, to stand beside ours: claimed, not measured here."""

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
MARK = "claimed by its authors, not measured here"


@dataclass(frozen=True)
class PublishedResult:
    """One figure that others state.

    Attributes:
        system: What it is of, in their words.
        recipe: The recipe of ours that follows it.
        protocol: How they measured it, as far as they say.
        metric: A key of `METRICS`.
        value: What they state.
        source: Where.
    """

    system: str
    recipe: str
    protocol: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class PublishedComparison:
    """A claim beside one of our figures: a run's, or a mean over seeds.

    Attributes:
        claim: What is claimed.
        ours: Name of the run, or how many seeds; "" where no run follows the claim.
        split: How our parts were made, in words.
        leaky: Whether that flatters.
        at_point: Our figure at the operating point, with its interval or range.
        at_half: The same with calls at 0.5, where the metric needs calls.
    """

    claim: PublishedResult
    ours: str = ""
    split: str = ""
    leaky: bool = False
    at_point: str = ""
    at_half: str = ""


def read_published(path: Path | str | None = None) -> tuple[PublishedResult, ...]:
    """Read a .yaml file (a list of claims) or a table (.csv, .jsonl, .parquet; a claim a row).

    Args:
        path: The file; by default the claims of the five predecessors of this project.

    Raises:
        LeukoscopeError: It cannot be read, or a claim lacks a field, has one that is not known, a
            metric that is not measured, or a value that is no number.
    """
    named = PACKAGED if path is None else str(path)
    found = _packaged() if path is None else Path(path)
    if found.name.endswith((".yaml", ".yml")):
        rows = _from_yaml(found, named)
    else:
        text = [field.name for field in fields(PublishedResult) if field.name != "value"]
        table = read_table(named, text=text)
        rows = [
            dict(zip(table, values, strict=True))
            for values in zip(*(column.tolist() for column in table.values()), strict=True)
        ]
    return tuple(_claim(row, f"{named}, claim {at}") for at, row in enumerate(rows, start=1))


def compare_with_published(
    claims: Iterable[PublishedResult], entries: Sequence[Entry], means: Sequence[SeedMean]
) -> list[PublishedComparison]:
    """Each claim beside our figures of its recipe: means over seeds, and runs that are in none."""
    rows = []
    for claim in claims:
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


def _packaged() -> Traversable:
    return resources.files("leukoscope.evaluation.comparison") / PACKAGED


def _from_yaml(path: Traversable, named: str) -> list[Any]:
    rows = read_yaml(path, named)
    if not isinstance(rows, list):
        raise LeukoscopeError(f"{named}: claims are a list, '- system: ...' for each.")
    return rows


def _claim(row: Any, where: str) -> PublishedResult:
    names = [field.name for field in fields(PublishedResult)]
    if not isinstance(row, dict) or set(row) != set(names):
        raise LeukoscopeError(f"{where}: a claim has the fields {', '.join(names)}, and no others.")
    if row["metric"] not in METRIC:
        raise LeukoscopeError(
            f"{where}: no metric {row['metric']!r}; choose one of {', '.join(METRIC)}."
        )
    value = row["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise LeukoscopeError(f"{where}: the value {value!r} is no number.")
    texts = {name: str(row[name]) for name in names if name != "value"}
    return PublishedResult(value=float(value), **texts)
