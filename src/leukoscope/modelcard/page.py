"""The page of a model card, from the model file and, if there is one, its run's report.

Sections after M. Mitchell et al., "Model cards for model reporting", FAT* 2019, section 4. What the
files do not hold is stated as missing; no metric is typed in here.
"""

from collections.abc import Mapping, Sequence

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.metrics import CARD_METRICS, SELECTIVE_METRICS
from leukoscope.inference.model_file.card_text import card_text
from leukoscope.inference.model_file.origin import stated_data
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.inference.subject.text import CURVE_HEADERS, NO_PATIENT, curve_row
from leukoscope.modelcard.blocks import Block, Bullets, Heading, Page, Paragraph, Table
from leukoscope.modelcard.facts import CardSource, facts, is_final_fit, is_shipped, settings_text
from leukoscope.modelcard.outcomes import Fact, out_of_fold_fraction, person_fraction
from leukoscope.modelcard.statements import (
    ETHICS,
    NON_USES,
    RECOMMENDATIONS,
    USES,
    limits,
    warnings,
)

CORRECT = "classified correctly (95 % Wilson)"
OUT_OF_FOLD_HEADERS = (
    "person",
    "class",
    "cells",
    "median area",
    CORRECT,
    "answered",
    "of these incorrect",
    "coverage",
    "not a cell",
    "mean probability",
)


def model_card(source: CardSource) -> Page:
    """Write the whole page."""
    known = facts(source)
    sections: dict[str, list[Block]] = {
        "Model details": _details(source, known),
        "Intended use": _uses(),
        "Training data": _training(source, known),
        "Evaluation": _evaluation(source, known),
        "Results": _results(source),
        "Results by person": _persons(source, known),
        **({"Answer for a subject": _subjects(source)} if source.card.subjects else {}),
        "Calibration, operating point, abstention": _decisions(known),
        "Limits": [Bullets(tuple(limits(source)))],
        "Ethical considerations": [Bullets(ETHICS)],
        "Recommendations": [Bullets(RECOMMENDATIONS)],
        "Citation and license": _citation(source, known),
    }
    blocks: list[Block] = [Paragraph(text, warning=True) for text in warnings(source)]
    for title, section in sections.items():
        blocks.append(Heading(title))
        blocks += section
    return Page(f"Model card: {source.card.name}", tuple(blocks))


def _details(source: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    text = card_text(source.card)
    rows = {
        "Name": text.name,
        "Created": text.created,
        "Input": text.input,
        "Descriptors": text.descriptors,
        "Estimator": text.estimator,
        "Heatmap": text.heatmap,
        "Adapted": text.adaptation,
        "Versions": text.versions,
        "Settings": settings_text(source.card),
    }
    kept = tuple((name, value) for name, value in rows.items() if value)
    return [Paragraph(f"{known['recipe'].text}."), Table(("field", "value"), kept)]


def _uses() -> list[Block]:
    question = (
        f"{RESEARCH_USE} It answers one question: does a cell look like a leukemic blast (ALL) or "
        "like a normal lymphoid cell (HEM)?"
    )
    return [
        Paragraph(question),
        Heading("It is for", 3),
        Bullets(USES),
        Heading("It is not for", 3),
        Bullets(NON_USES),
    ]


def _training(source: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    training = source.card.training
    cells = {
        part: "; ".join(f"{count} {label}" for label, count in of_part.items())
        for part, of_part in training.cells.items()
    }
    rows = tuple(
        (part, ", ".join(names), cells.get(part, ""))
        for part, names in training.persons.items()
        if names
    )
    return [
        Paragraph(f"{known['data'].text}. {stated_data(source.card).citation}"),
        Table(("part", "persons, by their smallest subject id", "cells"), rows),
        Paragraph(
            "The file contains these ids and truncated hashes of the images, and evaluation "
            "refuses data that shares any of them."
        ),
    ]


def _evaluation(source: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    lines = [
        f"{known['split'].text}.",
        f"{known['choice'].text}.",
        "Intervals are 95 % intervals from a bootstrap over whole persons.",
    ]
    if source.record is not None:
        lines += [f"{known['tested'].text}.", f"{known['bootstrap'].text}."]
    return [Bullets(tuple(lines))]


def _results(source: CardSource) -> list[Block]:
    results = source.card.results
    if not results:
        return [
            Paragraph("Not measured yet: leukoscope evaluate RUN writes metrics into the file.")
        ]
    rows = [
        (metric.title, str(results[metric.key]), metric.meaning)
        for metric in CARD_METRICS
        if metric.key in results
    ]
    first = next(iter(results.values()))
    selective = any(metric.key in results for metric in SELECTIVE_METRICS)
    equal = "; in the metrics of answers and coverage all persons have the same weight"
    left_out = is_final_fit(source.card) or source.card.adaptation is not None
    where = "On persons left out by cross-validation" if left_out else f"On the {first.part} part"
    return [
        Paragraph(
            f"{where}: {counted(first.persons, 'person')}, "
            f"{counted(first.cells, 'cell')}{equal if selective else ''}."
        ),
        Table(("metric", "value (95 % interval over persons)", "meaning"), tuple(rows)),
    ]


def _persons(source: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    if source.record is None and source.card.left_out:
        return _out_of_fold(source, known)
    if source.record is None:
        return [
            Paragraph(
                "Not in the model file. Name the run folder instead, which has the report of "
                "leukoscope evaluate."
            )
        ]
    rows = [
        (row.person, row.label, str(row.cells), person_fraction(row), f"{row.mean_p:.3f}")
        for row in source.record.persons
    ]
    headers = ("person", "class", "cells", CORRECT, "mean probability")
    return [Table(headers, tuple(rows)), Paragraph("Plots are in report.html of the run folder.")]


def _out_of_fold(source: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    """Results by person, from models fitted and calibrated without that person."""
    plots = " Plots are in docs/shipped-model.md." if is_shipped(source.card) else ""
    return [
        Paragraph(f"{known['persons'].text}."),
        person_table(source.card.left_out),
        Paragraph(
            "Each person was left out of the fit that predicted its cells; temperature, operating "
            "point and limits were set on other persons. The median area counts pixels that are "
            "not black. Coverage is the fraction of cells whose prediction set contains their "
            f"class.{plots}"
        ),
    ]


def person_table(rows: Sequence[OutOfFoldResult]) -> Table:
    """A table with a row for each person left out, fractions with three digits."""

    def fraction(count: int, whole: int) -> str:
        return f"{count / whole:.3f}" if whole else "none"

    lines = tuple(
        (
            row.person,
            row.label,
            str(row.cells),
            "" if row.area is None else str(row.area),
            out_of_fold_fraction(row),
            fraction(row.answered, row.cells),
            fraction(row.wrong, row.answered),
            fraction(row.covered, row.cells),
            fraction(row.not_cells, row.cells),
            f"{row.mean_p:.3f}",
        )
        for row in rows
    )
    return Table(OUT_OF_FOLD_HEADERS, lines)


def _subjects(source: CardSource) -> list[Block]:
    """The model of subjects, and how many cells it needs."""
    model = source.card.subjects
    assert model is not None
    blocks: list[Block] = [
        Paragraph(
            "From all usable cells of a subject, one calibrated probability that they are a "
            f"leukemic population. Fitted on {counted(model.leukemic.persons, 'person')} with ALL "
            "and "
            f"{model.normal.persons} with HEM cells ({model.part}). {NO_PATIENT}"
        )
    ]
    if model.curve:
        blocks.append(Table(CURVE_HEADERS, tuple(map(curve_row, model.curve))))
        blocks.append(
            Paragraph(
                "How many cells are needed: means over random choices of cells of persons left "
                "out; a person with fewer cells is included with all of them. See docs/subjects.md."
            )
        )
    return blocks


def _decisions(known: Mapping[str, Fact]) -> list[Block]:
    names = ("temperature", "calibration", "operating point", "abstention", "answered", "confusion")
    return [Bullets(tuple(f"{known[name].text}." for name in names if name in known))]


def _citation(source: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    data = stated_data(source.card)
    return [
        Bullets(
            (
                f"{known['license'].text}; CITATION.cff says how to cite Leukoscope.",
                f"{data.citation} ({data.license})",
            )
        )
    ]
