"""The section of the report with persons as units."""

from collections.abc import Iterable

from markupsafe import Markup

from leukoscope.core import html
from leukoscope.evaluation.metrics.metrics import TITLES
from leukoscope.evaluation.person_answers import PersonAnswer, PersonAnswers
from leukoscope.evaluation.record import Evaluation
from leukoscope.inference.subject.text import BOTH_KINDS, CURVE_HEADERS, NO_PATIENT, curve_row

EXACT, DRAWN = "exact (Clopper-Pearson)", "bootstrap over persons"


def metric_rows(found: PersonAnswers) -> list[tuple[str, str, str]]:
    """Title, value with interval, and method of the interval, for persons and cells in context."""
    persons = [
        ("Sensitivity for persons with ALL", found.sensitivity, EXACT),
        ("Specificity for normal persons", found.specificity, EXACT),
        ("Persons with a verdict", found.answered, EXACT),
        ("Persons with the wrong verdict", found.wrong, EXACT),
        ("AUROC of the answers for persons", found.auroc, DRAWN),
        ("Brier score of the answers for persons", found.brier, DRAWN),
    ]
    cells = [
        (f"{TITLES[key]} of cells in context", value, DRAWN)
        for key, value in found.in_context.items()
    ]
    return [(title, str(value), method) for title, value, method in (*persons, *cells)]


def person_answers(evaluation: Evaluation) -> Iterable[Markup]:
    """The answers for persons; empty if the model gives none."""
    found = evaluation.person_answers
    if found is None:
        return
    yield html.heading("What is the answer for each person?")
    yield html.paragraph(
        f"One probability for each person, from all usable cells, at equal priors. {NO_PATIENT}"
        + (f" Persons left out: {found.left_out}." if found.left_out else "")
    )
    yield html.table(
        ["Metric", "Value (95 % interval)", "Interval"],
        [list(row) for row in metric_rows(found)],
        caption=f"Persons at a probability of 0.5. Cells in context: {BOTH_KINDS}",
    )
    if found.curve:
        yield html.table(
            list(CURVE_HEADERS),
            [list(curve_row(point)) for point in found.curve],
            caption="How many cells are needed? Means over random choices of cells; a person with "
            "fewer cells is included with all of them.",
        )
    yield html.table(
        ["Person", "Label", "Cells", "Verdict", "Probability", "Blasts (estimate)", "Reason"],
        [_row(row) for row in found.rows],
    )


def _row(row: PersonAnswer) -> list[str]:
    one = row.answer
    return [
        row.person,
        row.label,
        f"{one.cells:,}",
        str(one.verdict),
        _range(one.probability, one.low, one.high, ".3f"),
        _range(one.blasts, one.blasts_low, one.blasts_high, ".0%"),
        one.reason,
    ]


def _range(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if value is None or low is None or high is None:
        return ""
    return f"{value:{form}} ({low:{form}} to {high:{form}})"
