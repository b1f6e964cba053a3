"""The report of an evaluation: one HTML file, and its numbers as JSON."""

from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from leukoscope.core import html
from leukoscope.core.files import write_text
from leukoscope.core.values import Estimate
from leukoscope.core.wording import count
from leukoscope.evaluation.metrics.metrics import METRICS
from leukoscope.evaluation.record import Evaluation
from leukoscope.evaluation.report import plots, sections
from leukoscope.evaluation.report import text as summary_text
from leukoscope.evaluation.report.person_answers import person_answers
from leukoscope.evaluation.report.sections import ReadImage
from leukoscope.evaluation.report.selection import selection
from leukoscope.evaluation.table import CellTable

REPORT_NAME, RECORD_NAME = "report.html", "report.json"


def render_report(
    evaluation: Evaluation,
    table: CellTable,
    out: Path,
    *,
    read_image: ReadImage | None = None,
    learning_log: Path | None = None,
    importance: Path | None = None,
) -> Path:
    """Write `report.html` and `report.json` into the folder `out`, each atomically.

    Args:
        evaluation: From `summary.evaluate_table`.
        table: The table that was evaluated. With `path` the worst errors are listed, with `area`
            the dependence on size is plotted.
        out: The folder; made if it is missing.
        read_image: Reads the image at a `path` as the model sees it; without it no cell is shown.
        learning_log: `log.csv` of the training run, for the learning curves; may be missing.
        importance: `importance.csv` of the training run; may be missing.

    Returns:
        The path of the HTML file.
    """
    parts = [
        *(html.note(text, "warning") for text in summary_text.warnings(evaluation)),
        html.heading("Summary"),
        *(html.paragraph(text) for text in summary_text.summary(evaluation)),
        *_metrics(evaluation),
        *sections.curves(evaluation, table),
        *sections.persons(evaluation, table),
        *person_answers(evaluation),
        *selection(evaluation, table),
        *sections.errors(evaluation, table, read_image),
        *sections.size_and_benefit(table),
        *sections.training(learning_log, importance),
        *_protocol(evaluation),
        html.heading("Limits"),
        *(html.paragraph(text) for text in summary_text.limits(evaluation)),
    ]
    protocol = evaluation.protocol
    title = f"Evaluation of {protocol.model}" if protocol.model else "Evaluation"
    subtitle = " · ".join(
        text for text in (protocol.data, f"subset: {protocol.part}", protocol.split) if text
    )
    write_text(out / RECORD_NAME, evaluation.to_json())
    return html.write_page(out / REPORT_NAME, title, parts, subtitle=subtitle)


def _metrics(evaluation: Evaluation) -> Iterable[Markup]:
    rows, threshold = [], evaluation.operating_point.threshold
    for metric in METRICS:
        here = evaluation.metrics[metric.key]
        half = evaluation.metrics_at_half.get(metric.key)
        rows.append(
            [metric.title, _value(here), _interval(here), str(half) if half else "", metric.meaning]
        )
    yield html.heading("Metrics")
    yield html.table(
        ["Metric", "Value", "95 % interval", "At threshold 0.5", "Meaning"],
        rows,
        caption=f"At the operating point {threshold:.3f}, unless the column says 0.5. "
        f"Intervals: {summary_text.intervals_method(evaluation)}.",
    )
    matrices = [
        (f"Operating point, p ≥ {threshold:.3f}", evaluation.confusion),
        ("p ≥ 0.5", evaluation.confusion_at_half),
    ]
    yield html.figure(
        plots.confusion_matrices(matrices),
        "Cells by label and prediction. Percentages are of the row: the sensitivity is in the "
        "upper left, the specificity in the lower right.",
        "Confusion matrices",
    )


def _value(estimate: Estimate) -> str:
    return str(Estimate(estimate.value)).removesuffix(" (no interval)")


def _interval(estimate: Estimate) -> str:
    return (
        ""
        if estimate.low is None or estimate.high is None
        else f"{estimate.low:.3f} to {estimate.high:.3f}"
    )


def _protocol(evaluation: Evaluation) -> Iterable[Markup]:
    protocol, point = evaluation.protocol, evaluation.operating_point
    yield html.heading("Protocol")
    facts = [
        ["Model", protocol.model],
        ["Data", protocol.data],
        ["Split", protocol.split],
        ["Seed of the split", "" if protocol.split_seed is None else str(protocol.split_seed)],
        ["Evaluated subset", protocol.part],
        *(
            [f"{choice.capitalize()} chosen on", part]
            for choice, part in protocol.chosen_on.items()
        ),
        [
            "Operating point",
            f"p ≥ {point.threshold:.4f}, for a sensitivity of {point.target_recall:g} on "
            f"{count(point.set_on.persons, 'person')} and "
            f"{count(point.set_on.cells, 'cell')}",
        ],
        ["Intervals", summary_text.intervals_method(evaluation)],
        *(["Note", note] for note in protocol.notes),
    ]
    yield html.table(["", ""], [row for row in facts if row[1]])
    if protocol.persons:
        rows = [
            [
                part,
                str(len(names)),
                f"{protocol.cells[part]:,}" if part in protocol.cells else "",
                ", ".join(names),
            ]
            for part, names in protocol.persons.items()
        ]
        yield html.table(
            ["Subset", "Persons", "Cells", "Names"], rows, caption="Persons of each subset."
        )
