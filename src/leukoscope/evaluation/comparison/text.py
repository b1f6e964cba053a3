"""Texts of a comparison that terminal and page share."""

from collections.abc import Iterable, Sequence

from leukoscope.core.progress import duration
from leukoscope.core.wording import count
from leukoscope.evaluation.comparison.comparison import Entry, Group, Row
from leukoscope.evaluation.comparison.record import Comparison, seconds_per_epoch
from leukoscope.evaluation.metrics.below_chance import below_chance
from leukoscope.evaluation.metrics.metrics import METRIC, METRICS

FLATTERS = (
    "LEAKY: persons or cells of the test subset were also trained on, so these metrics are too "
    "good and do not hold for new persons."
)
BY_IMAGE = (
    "LEAKY. Split by image: metrics are too good. Cells of one person are in training and test."
)
SEEDS = (
    "Each value is a mean over different test persons (in a split by image: over different cells "
    "of the same persons), with the lowest and the highest of the runs. This range is not a "
    "confidence interval, and the test sets overlap."
)


def shown_metrics(metric: str) -> list[str]:
    """The metrics of a narrow table, with the one that ranks first."""
    return [metric, *(m.key for m in METRICS if m.compared and m.key != metric)]


def title(metric: str) -> str:
    """A metric's name at the head of a column."""
    return METRIC[metric].short or METRIC[metric].title


def heading(group: Group) -> str:
    """Split and test data of a group, on one line."""
    how, record = group.first.evaluation.protocol, group.first.evaluation
    seed = "" if how.split_seed is None else f", seed {how.split_seed}"
    part = "" if how.part == "test" else f", part {how.part}"
    drawn = "SYNTHETIC cells, split" if how.synthetic else "Split"
    persons = f"{record.person_count['ALL']} ALL + {record.person_count['HEM']} HEM persons"
    cells = f"{record.cells['ALL']:,} ALL + {record.cells['HEM']:,} HEM cells"
    return f"{drawn} {how.split}{seed}{part}: {persons}, {cells}"


def identity(group: Group) -> str:
    """The hashes that distinguish a group from others with the same heading."""
    how = group.first.evaluation.protocol
    persons, cells = len(how.persons.get("train", ())), how.cells.get("train", 0)
    return (
        f"data {group.first.predictions.cells} · training {group.first.training} · trained on "
        f"{count(cells, 'cell')} of {count(persons, 'person')}"
    )


def leaky_sentence(group: Group) -> str:
    """The reason why the metrics of a group are too good; "" if they are not."""
    if not group.leaky:
        return ""
    return BY_IMAGE if group.first.evaluation.protocol.split == "by image" else FLATTERS


def chance_remarks(entries: Iterable[Entry]) -> list[str]:
    """A remark on each run whose AUROC is below chance."""
    found = [(entry.name, below_chance(entry.evaluation.metrics["auroc"])) for entry in entries]
    return [f"{name}: {remark}" for name, remark in found if remark]


def recipe(entry: Entry) -> str:
    """The recipe with its changed settings: "inception_v3 (fit.epochs=4)"."""
    return with_settings(entry.recipe, entry.settings)


def with_settings(name: str, settings: Sequence[str]) -> str:
    """The name of a recipe with its changed settings in brackets."""
    return f"{name} ({', '.join(settings)})" if settings else name


def difference(row: Row, metric: str) -> str:
    """A run minus its baseline, or the reason why there is no difference."""
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
    """The number of parameters: "3.74 M", "56.5 k"; "" if unknown."""
    if entry.weights is None:
        return ""
    if entry.weights < 1000:
        return str(entry.weights)
    millions = entry.weights >= 1e6
    return f"{entry.weights / 1e6:.2f} M" if millions else f"{entry.weights / 1e3:.1f} k"


def megabytes(entry: Entry) -> str:
    """The size of the model file in MB."""
    return f"{entry.file_bytes / 1e6:.2f}"


def cost(entry: Entry) -> str:
    """The duration of the training, on one line; "" if unknown."""
    if entry.seconds is None:
        return ""
    each = seconds_per_epoch(entry)
    if each is None:
        return duration(entry.seconds)
    return f"{duration(entry.seconds)}: {entry.epochs} x {duration(each)}"


def speed(entry: Entry) -> str:
    """Images per second with the range of the rounds; "" if it was not measured."""
    if entry.speed is None:
        return ""
    return f"{entry.speed.median:.0f} ({entry.speed.low:.0f} to {entry.speed.high:.0f})"


def advice(comparison: Comparison) -> list[str]:
    """Advice on how to read a comparison."""
    lines = [
        "Runs are ranked only with runs that were trained on the same cells and evaluated on the "
        "same cells. A rank does not prove a difference: check whether the interval of the "
        "difference from a baseline excludes 0. Intervals are 95 %, by bootstrap over persons.",
        "The best of many runs by test metrics looks better than it is: choose by validation "
        "persons, and read this table afterwards.",
    ]
    if not any(row.difference or row.is_baseline for g in comparison.groups for row in g.rows):
        lines.append(
            "No baseline was given, so there are no differences: --baseline RUN or RECIPE."
        )
    return lines
