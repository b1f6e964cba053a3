"""The section of the report on abstention."""

from collections.abc import Iterable

from markupsafe import Markup

from leukoscope.core import html
from leukoscope.core.values import Limit
from leukoscope.core.wording import count
from leukoscope.evaluation.metrics.metrics import TITLES
from leukoscope.evaluation.metrics.selective import Selection
from leukoscope.evaluation.record import Evaluation
from leukoscope.evaluation.report.plots_persons import person_coverage
from leukoscope.evaluation.report.plots_selection import risk_coverage_curve
from leukoscope.evaluation.report.text import percent
from leukoscope.evaluation.table import CellTable

LABELS = {"ALL": "leukemic cells", "HEM": "normal cells"}


def selection(evaluation: Evaluation, table: CellTable) -> Iterable[Markup]:
    """The fraction answered, its error, and the coverage of the prediction sets."""
    found = evaluation.selection
    if found is None:
        return
    yield html.heading("When does it not answer?")
    for text in summary(found):
        yield html.paragraph(text)
    yield html.table(*_metrics(found), caption=_CAPTION)
    yield html.figure(
        risk_coverage_curve(
            table.label,
            table.p,
            table.person,
            evaluation.operating_point.threshold,
            aurc=found.aurc,
            point=(found.answered.value, found.error_answered.value),
        ),
        "Risk against coverage: the cells nearest to the threshold are left out first. A curve "
        "that falls to the left shows that the model is more often correct where it is more "
        "confident.",
        "Risk-coverage curve",
    )
    if found.limits is not None and found.persons:
        wanted = {
            "ALL": 1 - found.limits.all_from.alpha,
            "HEM": 1 - found.limits.hem_to.alpha,
        }
        yield html.figure(
            person_coverage(found.persons, wanted),
            "Coverage by person, the worst first. The target is a mean over persons: single "
            "persons can be below it even if it is reached.",
            "Coverage of each person",
        )
    if found.persons:
        yield html.table(*_persons(found), caption="Verdicts for the cells of each person.")


def summary(found: Selection) -> list[str]:
    """The results of abstention as sentences."""
    out = [
        f"It classified {percent(found.answered)} of the cells (every person has the same weight): "
        f"{percent(found.uncertain)} were uncertain, and {percent(found.not_cells)} were wrongly "
        f"rejected as not a cell. Of the classified cells, {percent(found.error_answered)} were "
        f"incorrect; without abstention, {percent(found.error_all)} would have been."
    ]
    if found.limits is None:
        return [*out, "The model has no limits for abstention: it classifies every cell."]
    for label, limit in (("ALL", found.limits.all_from), ("HEM", found.limits.hem_to)):
        out.append(_kept(found, label, limit))
    return out


def _kept(found: Selection, label: str, limit: Limit) -> str:
    aim = f"{1 - limit.alpha:.0%}".replace("%", " %")
    guarantee = (
        "which conformal prediction guarantees on average over new persons like the "
        f"{count(limit.persons, 'person')} it was set on"
        if limit.guaranteed
        else f"but {count(limit.persons, 'person', 'is')} too few to guarantee this"
    )
    return (
        f"Of the {LABELS[label]}, {aim} should have their class in the prediction set, "
        f"{guarantee}. Here it was {percent(found.covered[label])}."
    )


_CAPTION = (
    "Fractions are probabilities for a random cell of a random person. The error without "
    "abstention is also the error along the whole curve if cells are left out at random."
)


def _metrics(found: Selection) -> tuple[list[str], list[list[str]]]:
    rows = [[TITLES[key], str(estimate)] for key, estimate in found.metrics().items()]
    return ["Metric", "Value (95 % interval)"], rows


def _persons(found: Selection) -> tuple[list[str], list[list[str]]]:
    headers = [
        "Person",
        "Label",
        "Cells",
        "Answered",
        "of these incorrect",
        "Uncertain",
        "Not a cell",
    ]
    rows = []
    for row in found.persons:
        numbers = (row.cells, row.answered, row.wrong, row.uncertain, row.not_cells)
        covered = [] if row.covered is None else [f"{row.covered / row.cells:.1%}"]
        rows.append([row.person, row.label, *(f"{one:,}" for one in numbers), *covered])
    return headers + (["Coverage"] if found.limits is not None else []), rows
