"""A comparison as one HTML page."""

from collections.abc import Iterator

from markupsafe import Markup

from leukoscope.core import html
from leukoscope.core.values import Estimate
from leukoscope.core.wording import count
from leukoscope.evaluation.comparison import text as words
from leukoscope.evaluation.comparison.comparison import Group, Row
from leukoscope.evaluation.comparison.plots import Block, forest
from leukoscope.evaluation.comparison.published import MARK, PublishedComparison
from leukoscope.evaluation.comparison.record import Comparison
from leukoscope.evaluation.metrics.metrics import METRICS, TITLES

SYNTHETIC = "SYNTHETIC CELLS. Some results are for drawn cells; they say nothing about real cells."


def render_comparison(comparison: Comparison) -> str:
    """The whole page: tables and plots by group, means over seeds, published results, metrics."""
    groups = comparison.groups
    synthetic = any(group.first.evaluation.protocol.synthetic for group in groups)
    parts = [
        *([html.note(SYNTHETIC, "warning")] if synthetic else []),
        *(html.paragraph(text) for text in words.advice(comparison)),
        *(part for group in groups for part in _group(group, comparison)),
        *_plots(comparison),
        *_means(comparison),
        *_published(comparison),
        *_all_metrics(comparison),
        *_problems(comparison),
    ]
    runs = count(len(comparison.entries), "run")
    subtitle = f"{runs} in {count(len(groups), 'group')}, ranked by {TITLES[comparison.metric]}"
    return html.page("Comparison of runs", parts, subtitle=subtitle)


def _group(group: Group, comparison: Comparison) -> Iterator[Markup]:
    _, *others = words.shown_metrics(comparison.metric)
    yield html.heading(words.heading(group))
    if group.leaky:
        yield html.note(words.leaky_sentence(group), "warning leaky")
    paired = any(row.is_baseline or row.difference for row in group.rows)
    rows = [
        [
            "" if row.rank is None else row.rank,
            _named(row.entry.name, words.recipe(row.entry)),
            _stacked(str(row.entry.evaluation.metrics[comparison.metric])),
            *([_difference(row, comparison.metric)] if paired else []),
            *(_stacked(str(row.entry.evaluation.metrics[key])) for key in others),
        ]
        for row in group.rows
    ]
    ranks = words.title(comparison.metric)
    headers = ["Rank", "Run", ranks, *([f"{ranks} minus baseline"] if paired else [])]
    yield html.table([*headers, *map(words.title, others)], rows, caption=words.identity(group))
    yield _costs(group, comparison.speed)


def _named(name: str, recipe: str) -> Markup:
    """A run with its recipe below."""
    whole = Markup('<span style="white-space: nowrap">{}</span><span class="interval">{}</span>')
    return whole.format(name, recipe)


def _stacked(text: str) -> Markup:
    """An estimate, "0.93 (0.88 to 0.97)", with its interval on a separate line."""
    value, _, interval = text.partition(" (")
    return Markup('{}<span class="interval">{}</span>').format(value, interval.removesuffix(")"))


def _difference(row: Row, metric: str) -> Markup | str:
    if row.difference is None or not row.difference.estimates:
        return words.difference(row, metric)
    figure = _stacked(row.difference.estimates[metric].signed())
    return figure + Markup("{}").format(row.difference.remark)


def _costs(group: Group, speed: str) -> Markup:
    """Size, training time and speed of each run of a group."""
    rows = []
    for row in group.rows:
        entry = row.entry
        own = [entry.name, words.weights(entry), words.megabytes(entry), words.cost(entry)]
        rows.append([*own, words.speed(entry)] if speed else own)
    return html.table(
        ["Run", "Parameters", "MB", "Training", *(["Images/s"] if speed else [])],
        rows,
        caption="Size of the model file, and duration of the training on the machine where it ran. "
        + (speed or "Speed was not measured (--speed)."),
    )


def _plots(comparison: Comparison) -> Iterator[Markup]:
    metric, label = comparison.metric, TITLES[comparison.metric]
    blocks = [
        Block(
            words.heading(group),
            group.leaky,
            [(row.entry.name, row.entry.evaluation.metrics[metric]) for row in group.rows],
        )
        for group in comparison.groups
    ]
    yield html.heading("At a glance")
    yield html.figure(
        forest(blocks, label),
        f"{label} with 95 % intervals over persons. Compare only runs under the same heading.",
        f"Forest plot of {label} by run",
    )
    paired = [
        Block(words.heading(group), group.leaky, lines)
        for group in comparison.groups
        if (lines := _differences(group, metric))
    ]
    if paired:
        yield html.figure(
            forest(paired, f"Difference of the {label}", zero=0.0),
            "Run minus baseline on the same cells, with 95 % intervals by paired bootstrap over "
            "persons. A difference is significant if its interval excludes 0.",
            f"Differences of the {label} from the baseline",
        )


def _differences(group: Group, metric: str) -> list[tuple[str, Estimate]]:
    """Names and differences of the runs that have one."""
    return [
        (f"{row.entry.name} minus {row.difference.baseline}", row.difference.estimates[metric])
        for row in group.rows
        if row.difference is not None and row.difference.estimates
    ]


def _means(comparison: Comparison) -> Iterator[Markup]:
    if not comparison.means:
        return
    metrics = words.shown_metrics(comparison.metric)
    yield html.heading("Means over test sets")
    yield html.table(
        ["Recipe", "Split", "Test sets", "Runs", *map(words.title, metrics)],
        [
            [
                words.with_settings(mean.recipe, mean.settings),
                _split(mean.split, mean.leaky),
                mean.test_sets,
                ", ".join(mean.runs),
                *(_stacked(str(mean.metrics.get(key, "not defined"))) for key in metrics),
            ]
            for mean in comparison.means
        ],
        caption=words.SEEDS,
    )


def _published(comparison: Comparison) -> Iterator[Markup]:
    if not comparison.published:
        return
    yield html.heading("Published results")
    yield html.paragraph(
        f"Published results are {MARK}. Compare a result under a split by image with our split by "
        "image; for new persons, use our split by person. Their threshold is rarely known, so "
        "ours are given at the operating point and at a threshold of 0.5."
    )
    theirs = ["System", "Their protocol", "Metric", f"Value ({MARK})", "Source"]
    ours = ["Ours", "Our split", "At our operating point", "At 0.5"]
    yield html.table([*theirs, *ours], map(_published_row, comparison.published))


def _published_row(row: PublishedComparison) -> list[object]:
    claim = row.claim
    theirs = [claim.system, claim.protocol, TITLES[claim.metric], f"{claim.value:.3f}"]
    if not row.ours:
        return [*theirs, claim.source, f"no run of {claim.recipe} among these", "", "", ""]
    ours = [row.ours, _split(row.split, row.leaky), _stacked(row.at_point), _stacked(row.at_half)]
    return [*theirs, claim.source, *ours]


def _split(name: str, leaky: bool) -> Markup | str:
    return Markup('<span class="leaky">{} (leaky)</span>').format(name) if leaky else name


def _all_metrics(comparison: Comparison) -> Iterator[Markup]:
    yield html.heading("All metrics")
    for group in comparison.groups:
        mark = "LEAKY. " if group.leaky else ""
        rows = [
            [row.entry.name]
            + [_stacked(str(row.entry.evaluation.metrics[metric.key])) for metric in METRICS]
            for row in group.rows
        ]
        yield html.table(
            ["Run", *(metric.title for metric in METRICS)],
            rows,
            caption=f"{mark}{words.heading(group)}. At the operating point of each run.",
        )


def _problems(comparison: Comparison) -> Iterator[Markup]:
    for title, lines in (("Skipped", comparison.skipped), ("Remarks", comparison.remarks)):
        if lines:
            yield html.heading(title)
            yield html.table(["Folder and reason"], [[line] for line in lines])
