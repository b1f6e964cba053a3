"""A comparison in words: what the terminal and the page say alike."""

from collections.abc import Sequence

from leukoscope.core.progress import duration
from leukoscope.evaluation.comparison.comparison import Entry, Group, Row
from leukoscope.evaluation.comparison.record import Comparison, seconds_per_epoch
from leukoscope.evaluation.metrics.metrics import METRIC, METRICS
from leukoscope.evaluation.report.text import count

FLATTERS = (
    "LEAKY: persons or cells of the test part were also trained on, so these figures flatter and "
    "do not hold for new persons."
)
BY_IMAGE = "LEAKY. Split over images: flatters. Cells of one person stand in training and test."
SEEDS = (
    "Each figure is a mean over different test persons (in a split by image: over different cells "
    "of the same persons), with the least and the greatest of the runs. That range is no "
    "confidence interval, and the test sets overlap."
)


def shown_metrics(metric: str) -> list[str]:
    """The metrics of a narrow table, the one that ranks first."""
    return [metric, *(m.key for m in METRICS if m.compared and m.key != metric)]


def title(metric: str) -> str:
    """A metric's name at the head of a column."""
    return METRIC[metric].short or METRIC[metric].title


def heading(group: Group) -> str:
    """What the runs of a group share, on one line."""
    how, record = group.first.evaluation.protocol, group.first.evaluation
    seed = "" if how.split_seed is None else f", seed {how.split_seed}"
    part = "" if how.part == "test" else f", part {how.part}"
    drawn = "SYNTHETIC cells, split" if how.synthetic else "Split"
    persons = f"{record.person_count['ALL']} ALL + {record.person_count['HEM']} HEM persons"
    cells = f"{record.cells['ALL']:,} ALL + {record.cells['HEM']:,} HEM cells"
    return f"{drawn} {how.split}{seed}{part}: {persons}, {cells}"


def identity(group: Group) -> str:
    """By what a group is told from others that look alike."""
    how = group.first.evaluation.protocol
    persons, cells = len(how.persons.get("train", ())), how.cells.get("train", 0)
    return (
        f"data {group.first.answers.cells} · training {group.first.training} · trained on "
        f"{cells:,} cells of {count(persons, 'person')}"
    )


def leaky_sentence(group: Group) -> str:
    """Why the figures of a group flatter; "" where they do not."""
    if not group.leaky:
        return ""
    return BY_IMAGE if group.first.evaluation.protocol.split == "by image" else FLATTERS


def recipe(entry: Entry) -> str:
    """The recipe and what was changed of it: "inception_v3 (fit.epochs=4)"."""
    return with_settings(entry.recipe, entry.settings)


def with_settings(name: str, settings: Sequence[str]) -> str:
    """A recipe's name and, in brackets, what was changed of it."""
    return f"{name} ({', '.join(settings)})" if settings else name


def difference(row: Row, metric: str) -> str:
    """A run less its baseline, or why there is no such figure."""
    if row.is_baseline:
        return "baseline"
    if row.difference is None:
        return ""
    estimate = row.difference.estimates.get(metric)
    if estimate is None:
        return f"none: {row.difference.remark}"
    remark = f"; {row.difference.remark}" if row.difference.remark else ""
    return estimate.signed() + remark


def weights(entry: Entry) -> str:
    """How many numbers a network has learned: "3.74 M", "56.5 k"; "" where that is not known."""
    if entry.weights is None:
        return ""
    if entry.weights < 1000:
        return str(entry.weights)
    millions = entry.weights >= 1e6
    return f"{entry.weights / 1e6:.2f} M" if millions else f"{entry.weights / 1e3:.1f} k"


def megabytes(entry: Entry) -> str:
    """Size of the model file."""
    return f"{entry.file_bytes / 1e6:.2f}"


def cost(entry: Entry) -> str:
    """What the training took, on one line."""
    if entry.seconds is None:
        return ""
    each = seconds_per_epoch(entry)
    if each is None:
        return duration(entry.seconds)
    return f"{duration(entry.seconds)}: {entry.epochs} x {duration(each)}"


def speed(entry: Entry) -> str:
    """Images a second with the range of the rounds; "" where it was not measured."""
    if entry.speed is None:
        return ""
    return f"{entry.speed.median:.0f} ({entry.speed.low:.0f} to {entry.speed.high:.0f})"


def advice(comparison: Comparison) -> list[str]:
    """How a comparison is to be read."""
    lines = [
        "Runs are ranked only with runs that learned from the same cells and were measured on the "
        "same cells. A rank is no difference: look whether the interval of the difference to a "
        "baseline leaves out 0. Intervals are 95 %, by bootstrap over persons.",
        "Whoever picks the best of many runs by their test figures flatters it: choose by "
        "validation persons, and read this table afterwards.",
    ]
    if not any(row.difference or row.is_baseline for g in comparison.groups for row in g.rows):
        lines.append("No baseline was named, so no difference is given: --baseline RUN or RECIPE.")
    return lines
