"""The result of a comparison: groups, means and published results, as a table and as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.json_files import json_text
from leukoscope.core.values import Estimate
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.comparison.comparison import Entry, Group, Row
from leukoscope.evaluation.comparison.published import PublishedComparison
from leukoscope.evaluation.comparison.seeds import SeedMean
from leukoscope.evaluation.metrics.metrics import METRICS

FORMAT = "leukoscope-comparison/1"


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, and the folders that were skipped.

    Attributes:
        metric: The metric that ranks; a key of `METRICS`.
        groups: Groups of comparable runs.
        means: Means over seeds.
        published: Published results beside ours.
        skipped: One line for each folder that could not be compared.
        remarks: One line for each other problem.
        speed: How the speed was measured; "" if it was not.
    """

    metric: str
    groups: tuple[Group, ...]
    means: tuple[SeedMean, ...] = ()
    published: tuple[PublishedComparison, ...] = ()
    skipped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    speed: str = ""

    def __repr__(self) -> str:
        note = f"; {counted(len(self.skipped), 'folder')} skipped" if self.skipped else ""
        return (
            f"<Comparison of {counted(len(self.entries), 'run')} by {self.metric}, in "
            f"{counted(len(self.groups), 'group')} of the same data and protocol{note}>"
        )

    @property
    def exit_code(self) -> int:
        """3 if a folder was skipped, as for images that failed; otherwise 0."""
        return 3 if self.skipped else 0

    @property
    def entries(self) -> list[Entry]:
        """All runs, in the order of the groups."""
        return [row.entry for group in self.groups for row in group.rows]

    def to_json(self) -> str:
        """The comparison as JSON text; unknown values are null."""
        body = {
            "format": FORMAT,
            "notice": RESEARCH_USE,
            "metric": self.metric,
            "groups": [
                {"leaky": group.leaky, **_shared(group.first), "runs": list(_runs(group))}
                for group in self.groups
            ],
            "means_over_test_sets": [asdict(mean) for mean in self.means],
            "claims": [asdict(row) for row in self.published],
            "speed": self.speed,
            "left_out": self.skipped,
            "remarks": self.remarks,
        }
        return json_text(body)

    def columns(self) -> dict[str, list[Any]]:
        """A flat table with one row per run, for CSV; each metric has its interval."""
        rows = [
            {"group": number, **_shared(group.first), **_flat(run)}
            for number, group in enumerate(self.groups, start=1)
            for run in _runs(group)
        ]
        return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _shared(entry: Entry) -> dict[str, Any]:
    """The properties that the runs of a group share."""
    record, how = entry.evaluation, entry.evaluation.protocol
    return {
        "split": how.split,
        "split_seed": how.split_seed,
        "part": how.part,
        "leaky": record.leaky,
        "synthetic": how.synthetic,
        "data": entry.predictions.cells,
        "training": entry.training,
        "target_recall": record.operating_point.target_recall,
        "persons_all": record.person_count["ALL"],
        "persons_hem": record.person_count["HEM"],
        "cells_all": record.cells["ALL"],
        "cells_hem": record.cells["HEM"],
        "training_persons": len(how.persons.get("train", ())),
        "training_cells": how.cells.get("train"),
    }


def _runs(group: Group) -> Iterator[dict[str, Any]]:
    for row in group.rows:
        entry, speed = row.entry, row.entry.speed
        yield {
            "rank": row.rank,
            "run": entry.name,
            "recipe": entry.recipe,
            "settings": list(entry.settings),
            "weights": entry.weights,
            "file_mb": round(entry.file_bytes / 1e6, 3),
            "epochs": entry.epochs,
            "training_seconds": entry.seconds,
            "seconds_per_epoch": seconds_per_epoch(entry),
            "images_per_second": None if speed is None else speed.median,
            "images_per_second_low": None if speed is None else speed.low,
            "images_per_second_high": None if speed is None else speed.high,
            "metrics": {key: asdict(one) for key, one in entry.evaluation.metrics.items()},
            "difference": _difference(row),
        }


def seconds_per_epoch(entry: Entry) -> float | None:
    """Seconds per epoch of the training; None without epochs."""
    return entry.seconds / entry.epochs if entry.seconds is not None and entry.epochs else None


def _difference(row: Row) -> dict[str, Any]:
    if row.difference is None:
        own = row.entry.name if row.is_baseline else ""
        return {"baseline": own, "remark": "is the baseline" if own else "", "metrics": {}}
    estimates = {key: asdict(one) for key, one in row.difference.estimates.items()}
    return {
        "baseline": row.difference.baseline,
        "remark": row.difference.remark,
        "metrics": estimates,
    }


def _flat(run: Mapping[str, Any]) -> dict[str, Any]:
    """One run without nesting: a metric becomes METRIC, METRIC_low and METRIC_high."""
    plain = {name: value for name, value in run.items() if not isinstance(value, dict)}
    plain["settings"] = "; ".join(run["settings"])
    difference = run["difference"]
    about = {"baseline": difference["baseline"], "difference_remark": difference["remark"]}
    return (
        plain
        | _metric_columns(run["metrics"])
        | about
        | _metric_columns(difference["metrics"], "difference_")
    )


def _metric_columns(metrics: Mapping[str, Mapping[str, Any]], prefix: str = "") -> dict[str, Any]:
    none = asdict(Estimate(float("nan")))
    return {
        f"{prefix}{metric.key}{suffix}": metrics.get(metric.key, none)[field]
        for metric in METRICS
        for field, suffix in (("value", ""), ("low", "_low"), ("high", "_high"))
    }
