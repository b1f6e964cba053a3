"""The report of a leakage study: a page, a table of runs, a summary as JSON, a plot, and lines."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from leukoscope.core import html
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.files import atomic_path, write_text
from leukoscope.core.json_files import json_text
from leukoscope.core.tables import write_table
from leukoscope.core.values import Estimate
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.leakage import text as words
from leukoscope.evaluation.leakage.leakage import by_exposure
from leukoscope.evaluation.leakage.plots import leakage_plot
from leukoscope.evaluation.leakage.record import (
    LEAKAGE_METRICS,
    PROTOCOLS,
    MeasuredRun,
    ProtocolResult,
    Study,
)
from leukoscope.evaluation.metrics.bootstrap import REPLICATES

PAGE, TABLE, SUMMARY, PLOTS = (
    "leakage.html",
    "leakage.csv",
    "summary.json",
    ("leakage.png", "leakage.svg"),
)
FORMAT = "leukoscope-leakage/1"
DRAWN = LEAKAGE_METRICS[0]


def write_study(study: Study, out: Path) -> Path:
    """Write page, table, summary and plots into a folder, each atomically.

    Returns:
        The path of the page.
    """
    rows = [run_row(run) for run in study.runs]
    write_table(out / TABLE, {name: [row[name] for row in rows] for name in rows[0]})
    write_text(out / SUMMARY, to_json(study))
    sheet = leakage_plot(study.results, DRAWN)
    for name in PLOTS:
        with atomic_path(out / name) as temporary:
            sheet.savefig(temporary, dpi=150)
    return html.write_page(
        out / PAGE, "The effect of a leaky split", _page(study), subtitle=words.subtitle(study)
    )


def to_json(study: Study) -> str:
    """The summary: every run, and mean and gap of every protocol; undefined values are null."""
    body = {
        "format": FORMAT,
        "notice": RESEARCH_USE,
        "synthetic": study.synthetic,
        "data": study.data,
        "intervals": words.METHOD,
        "replicates": REPLICATES,
        "protocols": [_result(result) for result in study.results],
        "runs": [run_row(run) for run in study.runs],
    }
    return json_text(body)


def run_row(run: MeasuredRun) -> dict[str, Any]:
    """One run as a row of the table."""
    row: dict[str, Any] = {
        "recipe": run.recipe,
        "split": run.split,
        "seed": run.seed,
        "test_fold": run.fold,
    }
    for name, part in run.parts.items():
        row |= {f"{name}_{key}": value for key, value in asdict(part).items()}
    row |= {
        "test_cells_of_persons_seen": int(run.seen.sum()),
        "epochs": run.epochs,
        "seconds": run.seconds,
        "threshold": run.threshold,
    }
    for one in LEAKAGE_METRICS:
        row |= _columns(one.key, run.metrics[one.key])
    own = by_exposure(run)
    for name in ("seen", "new"):
        row |= _columns(f"auroc_{name}_persons", own.get(name, Estimate(float("nan"))))
    return row | {"run": run.folder}


def lines(study: Study) -> list[str]:
    """The results for a terminal: one line for each protocol of each recipe."""
    out = [*words.warnings(study), *words.findings(study), ""]
    for recipe in dict.fromkeys(result.recipe for result in study.results):
        out.append(
            f"{recipe:<22}{'AUROC':<24}{'gap to person':<26}{'sens.':>6}{'spec.':>7}"
            f"{'acc.':>7}{'acc. at 0.5':>13}"
        )
        for result in study.results:
            if result.recipe == recipe:
                mean = result.mean
                gap = result.gap["auroc"].signed() if result.gap else ""
                at_point = [f"{mean[key].value:.3f}" for key in ("sensitivity", "specificity")]
                accuracy = [f"{mean[key].value:.3f}" for key in ("accuracy", "accuracy_at_half")]
                out.append(
                    f"  {words.protocol(result):<20}{mean['auroc']!s:<24}"
                    f"{gap:<26}{at_point[0]:>6}{at_point[1]:>7}"
                    f"{accuracy[0]:>7}{accuracy[1]:>13}"
                )
        out.append("")
    return [*out, words.METHOD, words.SEEDS]


def _page(study: Study) -> Iterable[Markup]:
    yield from (html.note(text, "warning") for text in words.warnings(study))
    yield html.heading("Summary")
    yield from (html.paragraph(text) for text in words.findings(study))
    yield html.figure(
        leakage_plot(study.results, DRAWN), words.PLOT, "Metrics and gaps by protocol"
    )
    yield html.heading("Means over the seeds")
    titles = [one.title for one in LEAKAGE_METRICS]
    yield html.table(
        ["Recipe", "Split", "Seeds", *titles],
        [_row(result, result.mean) for result in study.results],
        caption="At the operating point of each run, unless the column says 0.5. " + words.METHOD,
    )
    yield html.table(
        ["Recipe", "Split", "Seeds", *titles],
        [_row(result, result.gap, signed=True) for result in study.results if result.gap],
        caption="The gap: the mean minus the mean of the split by person.",
    )
    yield html.heading("The protocols")
    yield html.table(["Split", "Description"], PROTOCOLS.items())
    yield from (html.paragraph(text) for text in words.fairness(study))
    yield html.heading("Every run")
    yield html.table(
        ["Recipe", "Split", "Seed", "Trained on", "Tested on", "of persons seen", *titles],
        [_run(run) for run in study.runs],
        caption="Persons seen: those with cells in the training or validation subset of the same "
        "run. Intervals are over the test persons of the run.",
    )
    yield from _seen_and_new(study)
    yield html.heading("Limits")
    yield from (html.paragraph(text) for text in words.LIMITS)


def _seen_and_new(study: Study) -> Iterable[Markup]:
    rows = []
    for run in study.runs:
        if run.seen.any() and not run.seen.all():
            own = by_exposure(run)
            rows.append(
                [
                    run.recipe,
                    run.split,
                    run.seed,
                    f"{run.seen.sum():,}",
                    own.get("seen", "one class only"),
                    f"{(~run.seen).sum():,}",
                    own.get("new", "one class only"),
                ]
            )
    if rows:
        yield html.heading("Seen and new persons")
        yield html.paragraph(words.SEEN_AND_NEW)
        heads = [
            "Recipe",
            "Split",
            "Seed",
            "Cells of seen persons",
            "AUROC",
            "Cells of new persons",
            "AUROC",
        ]
        yield html.table(heads, rows)


def _row(
    result: ProtocolResult, metrics: Mapping[str, Estimate], signed: bool = False
) -> list[str]:
    cells = [
        metrics[one.key].signed() if signed else str(metrics[one.key]) for one in LEAKAGE_METRICS
    ]
    return [result.recipe, words.protocol(result), str(len(result.values)), *map(_unbroken, cells)]


def _run(run: MeasuredRun) -> list[str]:
    train, test = run.parts["train"], run.parts["test"]
    return [
        run.recipe,
        run.split + (f", fold {run.fold}" if run.fold else ""),
        str(run.seed),
        f"{counted(train.cells, 'cell')} of {counted(train.persons, 'person')}",
        f"{counted(test.cells, 'cell')} of {counted(test.persons, 'person')}",
        f"{run.seen.sum():,}",
        *(_unbroken(str(run.metrics[one.key])) for one in LEAKAGE_METRICS),
    ]


def _unbroken(text: str) -> str:
    """An estimate whose interval stays on one line in a narrow column."""
    return text.replace(" to ", "\u00a0to\u00a0")


def _result(result: ProtocolResult) -> dict[str, Any]:
    return {
        "recipe": result.recipe,
        "split": result.split,
        "values": {str(seed): dict(values) for seed, values in result.values.items()},
        "mean": {key: asdict(estimate) for key, estimate in result.mean.items()},
        "gap": {key: asdict(estimate) for key, estimate in result.gap.items()},
    }


def _columns(key: str, estimate: Estimate) -> dict[str, float | None]:
    return {key: estimate.value, f"{key}_low": estimate.low, f"{key}_high": estimate.high}
