"""The section of the report about what was answered and what was not."""

from collections.abc import Iterable

from markupsafe import Markup

from leukoscope.core import html
from leukoscope.core.values import Limit
from leukoscope.evaluation.metrics.metrics import TITLES
from leukoscope.evaluation.metrics.selective import Selection
from leukoscope.evaluation.record import Evaluation
from leukoscope.evaluation.report.plots_persons import person_coverage
from leukoscope.evaluation.report.plots_selection import risk_coverage_curve
from leukoscope.evaluation.report.text import count, percent
from leukoscope.evaluation.table import CellTable

LABELS = {"ALL": "leukemic cells", "HEM": "normal cells"}


def selection(evaluation: Evaluation, table: CellTable) -> Iterable[Markup]:
    """How often it answered, how rightly, and whether the abstention kept its word."""
    found = evaluation.selection
    if found is None:
        return
    yield html.heading("When does it not answer?")
    for text in words(found):
        yield html.paragraph(text)
    yield html.table(*_figures(found), caption=_CAPTION)
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
        "that falls to the left knows which of its answers to doubt; one that does not, does not.",
        "Risk-coverage curve",
    )
    if found.limits is not None and found.persons:
        wanted = {
            "ALL": 1 - found.limits.all_from.alpha,
            "HEM": 1 - found.limits.hem_to.alpha,
        }
        yield html.figure(
            person_coverage(found.persons, wanted),
            "Coverage person by person, the worst first. The aim is a mean over persons: single "
            "persons fall short of it even where it is kept.",
            "Coverage of each person",
        )
    if found.persons:
        yield html.table(*_persons(found), caption="What became of each person's cells.")


def words(found: Selection) -> list[str]:
    """What was answered, in a few sentences."""
    out = [
        f"It answered for {percent(found.answered)} of the cells, each person weighing the same: "
        f"{percent(found.uncertain)} were uncertain and {percent(found.not_cells)} were taken for "
        f"no cell, wrongly. Of the answers {percent(found.error_answered)} were wrong; had it "
        f"called every cell, {percent(found.error_all)} would have been."
    ]
    if found.limits is None:
        return [*out, "The model has no limits for abstention: each probability is answered for."]
    for label, limit in (("ALL", found.limits.all_from), ("HEM", found.limits.hem_to)):
        out.append(_kept(found, label, limit))
    return out


def _kept(found: Selection, label: str, limit: Limit) -> str:
    aim = f"{1 - limit.alpha:.0%}".replace("%", " %")
    on = count(limit.persons, "person")
    promise = (
        f"which conformal prediction promises on average over new persons like the {on} that set it"
        if limit.guaranteed
        else f"which {on} are too few to promise: the limit is what they gave"
    )
    return (
        f"Of the {LABELS[label]}, {aim} were to keep their class among the possible ones, "
        f"{promise}. Here it was {percent(found.covered[label])}."
    )


_CAPTION = (
    "Shares of a cell drawn from a person drawn at random. The error if every cell were called is "
    "also what leaving out cells at random would give along the whole curve."
)


def _figures(found: Selection) -> tuple[list[str], list[list[str]]]:
    rows = [[TITLES[key], str(estimate)] for key, estimate in found.metrics().items()]
    return ["Measure", "Value (95 % interval)"], rows


def _persons(found: Selection) -> tuple[list[str], list[list[str]]]:
    headers = ["Person", "Label", "Cells", "Answered", "of these wrong", "Uncertain", "Not a cell"]
    rows = []
    for row in found.persons:
        numbers = (row.cells, row.answered, row.wrong, row.uncertain, row.not_cells)
        covered = [] if row.covered is None else [f"{row.covered / row.cells:.1%}"]
        rows.append([row.person, row.label, *(f"{one:,}" for one in numbers), *covered])
    return headers + (["Coverage"] if found.limits is not None else []), rows
