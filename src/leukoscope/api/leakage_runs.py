"""Read the finished runs of a leakage study from their folders."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from leukoscope.api.leakage_plan import STUDY, read_plan
from leukoscope.core.errors import TrainingError
from leukoscope.core.files import natural_key
from leukoscope.core.tables import read_table
from leukoscope.data.cohort import ALL, HEM, Cohort, read_cohort_table
from leukoscope.data.splits.partition import PARTS
from leukoscope.evaluation.leakage.leakage import protocol_results
from leukoscope.evaluation.leakage.record import (
    LEAKAGE_METRICS,
    PROTOCOLS,
    MeasuredRun,
    Study,
    SubsetCounts,
)
from leukoscope.evaluation.record import Evaluation
from leukoscope.evaluation.report.report import RECORD_NAME
from leukoscope.evaluation.table import scored_cells
from leukoscope.training.run import LOG, PREDICTIONS, Run, read_run


def read_study(folder: Path) -> Study:
    """Read all finished runs below a folder, and summarize them.

    Raises:
        TrainingError: No finished run, or runs of different data.
        LeukoscopeError: A run's files are damaged.
    """
    plans = {path.parent: read_plan(path.parent) for path in folder.glob(f"*/{STUDY}")}
    data = {plan.data for plan in plans.values()}
    if len(data) > 1:
        raise TrainingError(
            f"{folder}: {', '.join(map(str, sorted(plans)))} hold runs of different data "
            "or of different audits; use a separate folder for each."
        )
    finished = [run for path in sorted(plans) for run in _finished(path)]
    if not finished:
        raise TrainingError(
            f"{folder}: no finished run of a leakage study; start one with: leukoscope leakage DIR "
            f"--recipe RECIPE --out {folder}"
        )
    runs = tuple(run for run, _ in finished)
    synthetic = any(record.protocol.synthetic for _, record in finished)
    return Study(data.pop(), synthetic, runs, protocol_results(runs))


def _finished(folder: Path) -> Iterator[tuple[MeasuredRun, Evaluation]]:
    paths = [path for path in folder.iterdir() if (path / RECORD_NAME).is_file()]
    runs = [read_run(path) for path in sorted(paths, key=lambda path: natural_key(path.name))]
    order = list(PROTOCOLS)
    known = [run for run in runs if run.split.kind in order]
    for run in sorted(known, key=lambda run: order.index(run.split.kind)):
        record = Evaluation.from_json((run.folder / RECORD_NAME).read_text("utf-8"))
        yield measured_run(run, record), record


def measured_run(run: Run, record: Evaluation) -> MeasuredRun:
    """Read a run's predictions and times from its folder."""
    predicted = read_cohort_table(run.folder / PREDICTIONS)
    table = scored_cells(predicted.columns)
    cohort = run.cohort
    known = set(cohort["person"][np.isin(cohort["part"], PARTS[:2])]) - {""}
    log = run.folder / LOG
    epochs = read_table(log) if log.is_file() else {}
    folds = sorted(set(cohort["fold"][cohort["part"] == "test"]))
    return MeasuredRun(
        recipe=run.recipe.name,
        split=run.split.kind,
        seed=run.split.seed,
        folder=f"{run.folder.parent.name}/{run.folder.name}",
        label=table.label,
        p=table.p,
        person=table.person,
        seen=np.isin(table.person.astype(str), sorted(known)),
        threshold=record.operating_point.threshold,
        metrics={
            info.key: (record.metrics_at_half if info.at_half else record.metrics)[info.metric]
            for info in LEAKAGE_METRICS
        },
        parts={part: _part(cohort, part) for part in PARTS},
        fold=" ".join(folds) if run.split.kind == "official" else "",
        epochs=len(epochs.get("epoch", ())),
        seconds=float(np.sum(epochs["seconds"])) if epochs else float("nan"),
    )


def _part(cohort: Cohort, part: str) -> SubsetCounts:
    rows = cohort["part"] == part
    return SubsetCounts(
        int(np.sum(rows & (cohort["label"] == ALL))),
        int(np.sum(rows & (cohort["label"] == HEM))),
        len(set(cohort["person"][rows]) - {""}),
    )
