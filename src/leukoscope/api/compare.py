"""Compare evaluated runs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leukoscope.api.extras import needs_train_extra
from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.files import write_text
from leukoscope.core.progress import track
from leukoscope.core.tables import SUFFIXES, write_table

if TYPE_CHECKING:
    from leukoscope.evaluation.comparison.comparison import Entry
    from leukoscope.evaluation.comparison.record import Comparison
    from leukoscope.training.run_results import RunResult

TABLE, PAGE, RECORD = "comparison.csv", "comparison.html", "comparison.json"
SPEED_PERSONS, SPEED_CELLS = 4, 25  # synthetic cells to time models on


def compare(
    runs: Sequence[Path | str],
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
        runs: Run folders that `evaluate` has measured.
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
        from leukoscope.evaluation.metrics.metrics import METRIC
        from leukoscope.training.run_results import printable
    if metric not in METRIC:
        raise LeukoscopeError(f"no metric {metric!r}: choose one of {', '.join(METRIC)}.")
    claimed = read_published(claims)
    folders, remarks = _distinct([Path(run) for run in runs])
    if baseline is not None and Path(baseline).is_dir():
        folders, _ = _distinct([*folders, Path(baseline)])
    found, left_out = _read(folders)
    chosen = [] if baseline is None else _baselines(baseline, found)
    remarks += [remark for one in found.values() for remark in one.remarks]
    entries = [one.entry for one in found.values()]
    conditions = ""
    if speed:
        entries, conditions, slow = _timed(list(found), entries)
        remarks += slow
    names = {entry.name for entry in chosen}
    groups = compare_entries(
        entries, metric, [entry for entry in entries if entry.name in names], track=track
    )
    means = seed_means(entries)
    comparison = Comparison(
        metric,
        groups,
        means,
        tuple(compare_with_published(claimed, entries, means)),
        tuple(map(printable, left_out)),
        tuple(map(printable, remarks)),
        conditions,
    )
    if out is not None:
        _write(comparison, Path(out))
    return comparison


def _read(folders: Sequence[Path]) -> "tuple[dict[Path, RunResult], list[str]]":
    """The runs by folder, and a line for each folder that is none, or a copy of another."""
    from leukoscope.training.run_results import read_run_result

    found: dict[Path, RunResult] = {}
    left_out: list[str] = []
    seen: dict[str, str] = {}
    for folder in track(folders, "Reading runs"):
        try:
            one = read_run_result(folder)
        except (LeukoscopeError, OSError) as error:
            left_out.append(" ".join(str(error).split()))
            continue
        twin = seen.setdefault(one.entry.answers.content, one.entry.name)
        if twin != one.entry.name:
            left_out.append(f"{one.entry.name}: gives the very answers of {twin}, so it is a copy.")
            continue
        found[folder] = one
    if not found:
        reasons = " ".join(left_out[:3]) or "name run folders."
        raise LeukoscopeError(f"none of {len(folders)} folders can be compared. {reasons}")
    return _named(found), left_out


def _distinct(folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Each folder once, and a line for each that was named again."""
    places: dict[Path, Path] = {}
    again = []
    for folder in folders:
        if places.setdefault(folder.resolve(), folder) is not folder:
            again.append(f"{folder}: is named twice and counts once.")
    return list(places.values()), again


def _named(found: "dict[Path, RunResult]") -> "dict[Path, RunResult]":
    """The runs by the last part of their path, where no two share it."""
    from leukoscope.training.run_results import printable

    last = [folder.resolve().name for folder in found]
    return {
        folder: replace(one, entry=replace(one.entry, name=printable(name)))
        if last.count(name) == 1
        else one
        for name, (folder, one) in zip(last, found.items(), strict=True)
    }


def _baselines(named: Path | str, found: "dict[Path, RunResult]") -> "list[Entry]":
    """The run of that folder, or all runs of that recipe.

    Raises:
        LeukoscopeError: There is none.
    """
    place = Path(named).resolve()
    own = [one.entry for folder, one in found.items() if folder.resolve() == place]
    own = own or [one.entry for one in found.values() if one.entry.recipe == str(named)]
    if not own:
        recipes = ", ".join(sorted({one.entry.recipe for one in found.values()}))
        raise LeukoscopeError(
            f"no baseline {str(named)!r}: name a run that can be compared, or one of the recipes "
            f"{recipes}."
        )
    return own


def _timed(
    folders: Sequence[Path], entries: "Sequence[Entry]"
) -> "tuple[list[Entry], str, list[str]]":
    """The runs with their speed, how it was measured, and a line for each that does not run."""
    from leukoscope.data.synthetic import draw_planned, plan_cohort
    from leukoscope.evaluation.comparison.comparison import Speed
    from leukoscope.inference.speed import conditions, median_rate, side_by_side
    from leukoscope.training.run import MODEL

    images = [draw_planned(cell, 0) for cell in plan_cohort(SPEED_PERSONS, SPEED_CELLS, 0)]
    rates, problems = side_by_side([folder / MODEL for folder in folders], images)
    timed = [
        replace(entry, speed=Speed(median_rate(own), own[0], own[-1])) if own else entry
        for entry, own in zip(entries, rates, strict=True)
    ]
    remarks = [f"{problem}; its speed is not shown." for problem in problems]
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
