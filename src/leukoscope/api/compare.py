"""Compare evaluated runs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leukoscope.api.extras import needs_train_extra
from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.files import write_text
from leukoscope.core.progress import track
from leukoscope.core.several import several
from leukoscope.core.tables import SUFFIXES, write_table
from leukoscope.core.wording import joined

if TYPE_CHECKING:
    from leukoscope.evaluation.comparison.comparison import Entry
    from leukoscope.evaluation.comparison.record import Comparison
    from leukoscope.training.run_results import RunResult

TABLE, PAGE, RECORD = "comparison.csv", "comparison.html", "comparison.json"
SPEED_PERSONS, SPEED_CELLS = 4, 25  # synthetic cells to measure the speed on


def compare(
    runs: Sequence[Path | str] | Path | str,
    baseline: Path | str | None = None,
    *,
    metric: str = "auroc",
    out: Path | str | None = None,
    claims: Path | str | None = None,
    speed: bool = False,
) -> "Comparison":
    """Rank evaluated runs of the same data and protocol, with differences from a baseline.

    A folder that cannot be compared is skipped, with a line that says why.

    Args:
        runs: Run folders that `evaluate` has measured, or one.
        baseline: Run folder to compare with, or the name of a recipe: the run of that recipe in
            each group.
        metric: Metric to rank by; a key of the evaluation's metrics.
        out: Folder for comparison.csv, .html and .json, or one file that ends in .csv, .jsonl,
            .parquet or .html.
        claims: Published results to list beside (.yaml or a table); by default those of earlier
            systems.
        speed: Measure the models' speed side by side on synthetic cells.

    Returns:
        The groups of comparable runs, means over seeds, and the lines on skipped folders.

    Raises:
        LeukoscopeError: No run can be compared, or no such baseline, metric or file of claims.
    """
    with needs_train_extra("compare"):
        from leukoscope.evaluation.comparison.comparison import compare_entries
        from leukoscope.evaluation.comparison.published import (
            compare_with_published,
            read_published,
        )
        from leukoscope.evaluation.comparison.record import Comparison
        from leukoscope.evaluation.comparison.seeds import seed_means
        from leukoscope.evaluation.comparison.text import chance_remarks
        from leukoscope.evaluation.metrics.metrics import METRIC
        from leukoscope.training.run_results import printable
    if metric not in METRIC:
        raise LeukoscopeError(f"no metric {metric!r}: choose one of {', '.join(METRIC)}.")
    published = read_published(claims)
    folders, remarks = _distinct([Path(run) for run in several(runs)])
    if baseline is not None and Path(baseline).is_dir():
        folders, _ = _distinct([*folders, Path(baseline)])
    results, skipped = _read(folders)
    baselines = set() if baseline is None else _baselines(baseline, results)
    remarks += [remark for result in results.values() for remark in result.remarks]
    entries = [result.entry for result in results.values()]
    remarks += chance_remarks(entries)
    conditions = ""
    if speed:
        entries, conditions, problems = _with_speed(list(results), entries)
        remarks += problems
    groups = compare_entries(
        entries, metric, [entry for entry in entries if entry.name in baselines], track=track
    )
    means = seed_means(entries)
    comparison = Comparison(
        metric,
        groups,
        means,
        tuple(compare_with_published(published, entries, means)),
        tuple(map(printable, skipped)),
        tuple(map(printable, remarks)),
        conditions,
    )
    if out is not None:
        _write(comparison, Path(out))
    return comparison


def _read(folders: Sequence[Path]) -> "tuple[dict[Path, RunResult], list[str]]":
    """Read the runs by folder, with a line for each folder that is no run or a copy of another."""
    from leukoscope.training.run_results import read_run_result

    results: dict[Path, RunResult] = {}
    skipped: list[str] = []
    first_names: dict[str, str] = {}
    for folder in track(folders, "Reading runs"):
        try:
            result = read_run_result(folder)
        except (LeukoscopeError, OSError) as error:
            skipped.append(" ".join(str(error).split()))
            continue
        name = result.entry.name
        first = first_names.setdefault(result.entry.predictions.content, name)
        if first != name:
            skipped.append(f"{name}: has the same predictions as {first}, so it is a copy.")
            continue
        results[folder] = result
    if not results:
        reasons = " ".join(skipped[:3]) or "name run folders."
        raise LeukoscopeError(f"none of {len(folders)} folders can be compared. {reasons}")
    return _with_short_names(results), skipped


def _distinct(folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return each folder once, and a line for each that is named again."""
    distinct: dict[Path, Path] = {}
    remarks = []
    for folder in folders:
        if distinct.setdefault(folder.resolve(), folder) is not folder:
            remarks.append(f"{folder}: is named twice and counts once.")
    return list(distinct.values()), remarks


def _with_short_names(results: "dict[Path, RunResult]") -> "dict[Path, RunResult]":
    """Name the runs by the last part of their path, unless two of them share it."""
    from leukoscope.training.run_results import printable

    names = [folder.resolve().name for folder in results]
    return {
        folder: replace(result, entry=replace(result.entry, name=printable(name)))
        if names.count(name) == 1
        else result
        for name, (folder, result) in zip(names, results.items(), strict=True)
    }


def _baselines(baseline: Path | str, results: "dict[Path, RunResult]") -> set[str]:
    """Return the name of the run in that folder, or the names of all runs of that recipe.

    Raises:
        LeukoscopeError: No such folder or recipe among the runs.
    """
    folder = Path(baseline).resolve()
    names = {result.entry.name for path, result in results.items() if path.resolve() == folder}
    entries = [result.entry for result in results.values()]
    names = names or {entry.name for entry in entries if entry.recipe == str(baseline)}
    if not names:
        recipes = ", ".join(sorted({entry.recipe for entry in entries}))
        raise LeukoscopeError(
            f"no baseline {str(baseline)!r}: name a run that can be compared, or one of the "
            f"recipes {recipes}."
        )
    return names


def _with_speed(
    folders: Sequence[Path], entries: "Sequence[Entry]"
) -> "tuple[list[Entry], str, list[str]]":
    """Measure speeds.

    Returns:
        The runs with their speed, how it was measured, and a line for each model that fails to run.
    """
    from leukoscope.data.synthetic.plan import draw_planned, plan_cohort
    from leukoscope.evaluation.comparison.comparison import Speed
    from leukoscope.inference.speed import conditions, median_rate, side_by_side
    from leukoscope.training.run import MODEL

    images = [draw_planned(cell, 0) for cell in plan_cohort(SPEED_PERSONS, SPEED_CELLS, 0)]
    rates, problems = side_by_side([folder / MODEL for folder in folders], images)
    timed = [
        replace(entry, speed=Speed(median_rate(rounds), rounds[0], rounds[-1])) if rounds else entry
        for entry, rounds in zip(entries, rates, strict=True)
    ]
    remarks = [joined(problem, "its speed is not shown.") for problem in problems]
    return timed, conditions(len(images)), remarks


def _write(comparison: "Comparison", out: Path) -> None:
    from leukoscope.evaluation.comparison.page import render_comparison

    if out.suffix.lower() in SUFFIXES:
        write_table(out, comparison.columns())
    elif out.suffix.lower() == ".html":
        write_text(out, render_comparison(comparison))
    else:
        write_table(out / TABLE, comparison.columns())
        write_text(out / RECORD, comparison.to_json())
        write_text(out / PAGE, render_comparison(comparison))
