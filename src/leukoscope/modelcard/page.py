"""The page of a model card, from the model file and, where there is one, its run's report.

Sections after M. Mitchell et al., "Model cards for model reporting", FAT* 2019, section 4. What the
files do not hold is said to be missing; no figure is typed in here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.evaluation.metrics.metrics import CARD_METRICS, SELECTIVE_METRICS
from leukoscope.inference.model_file.card_text import describe
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.modelcard.blocks import Block, Bullets, Heading, Page, Paragraph, Table
from leukoscope.modelcard.facts import CardSource, facts, is_final_fit
from leukoscope.modelcard.outcomes import Fact, share, share_of

LEFT_OUT = (
    "person",
    "class",
    "cells",
    "median area",
    "called rightly (95 % Wilson)",
    "answered",
    "of these wrong",
    "coverage",
    "not a cell",
    "mean probability",
)
FEW = 10
"""Persons tested of one class below which a mean says little about the next person."""
USES = (
    "Research on single cells: comparing methods, looking into data sets, teaching.",
    "Cells of the kind it was trained on: segmented, on black, at the original pixel scale.",
    "By people who read its intervals and know how few persons stand behind them.",
)
NON_USES = (
    "Diagnosis, screening, triage or monitoring of a person, with or without a physician.",
    "Whole fields of view, other stains, microscopes or scales, cells of other lineages.",
    "Statements about a person from cells of unknown origin, or about any group of people.",
)
ETHICS = (
    "The images are of people. Nothing in a model file points to them but the data set's own ids "
    "and truncated hashes of images.",
    "Age, sex, ethnicity and treatment of these people are not recorded here, so nothing is known "
    "of how the model differs between groups, and nothing about fairness is claimed.",
    "A missed blast and a false alarm do different harm. The operating point weighs them by a wish "
    "for sensitivity, not by anybody's measured interest.",
)
RECOMMENDATIONS = (
    "Measure it on persons of your own before believing any figure: leukoscope evaluate "
    "MODEL.onnx --data DIR.",
    "Read the table by person, and the probability against the cell's area, before the mean.",
    "Treat a heatmap as a hint where to look, not as a reason; docs/heatmaps.md says what its test "
    "gave.",
)


def model_card(subject: CardSource) -> Page:
    """The whole page."""
    known = facts(subject)
    sections: dict[str, list[Block]] = {
        "Model details": _details(subject, known),
        "Intended use": _uses(),
        "Training data": _training(subject, known),
        "Evaluation": _evaluation(subject, known),
        "Results": _results(subject),
        "Results by person": _persons(subject, known),
        "Calibration, operating point, abstention": _decisions(known),
        "Limits": [Bullets(tuple(limits(subject)))],
        "Ethical considerations": [Bullets(ETHICS)],
        "Recommendations": [Bullets(RECOMMENDATIONS)],
        "Citation and license": _citation(subject, known),
    }
    blocks: list[Block] = _warnings(subject)
    for title, section in sections.items():
        blocks.append(Heading(title))
        blocks += section
    return Page(f"Model card: {subject.card.name}", tuple(blocks))


def limits(subject: CardSource) -> list[str]:
    """What must be known before an answer is believed."""
    card = subject.card
    persons = sum(len(names) for names in card.training.persons.values())
    said = [
        f"It knows cells as in {card.data.name}, of {persons} persons. "
        "Scores swing from person to person; the interval matters more than the figure.",
        "Cell size is a shortcut: a model that leans on it calls a healthy person with large cells "
        "leukemic, and small blasts normal.",
        "Persons are those the audit could tell apart by their cells; two ids without a common "
        "cell count as two persons.",
    ]
    if is_final_fit(card):
        said.append(
            "Its figures are those of its like. Where the recipe itself was chosen by such figures "
            "they flatter it; docs/shipped-model.md says how it was chosen."
        )
    if card.abstention is None:
        said.append("It does not abstain: every picture that is not empty gets an answer.")
    if card.out_of_distribution is None:
        said.append("It does not notice a picture that is unlike its training cells.")
    if card.heatmap != "cam":
        said.append("It has no exact heatmap; an occlusion map is an approximation.")
    for label, count in _tested(subject).items():
        if count < FEW:
            said.append(f"Only {count} persons with {label} cells were tested.")
    return said


def _tested(subject: CardSource) -> Mapping[str, int]:
    """How many persons of each class the figures are of, where that is known by person."""
    if subject.record is not None:
        return subject.record.person_count
    return Counter(row.label for row in subject.card.left_out)


def _warnings(subject: CardSource) -> list[Block]:
    training = subject.card.training
    blocks: list[Block] = []
    if training.synthetic:
        text = "Trained on drawn cells. Its figures say nothing about real blood or marrow."
        blocks.append(Paragraph(text, warning=True))
    if training.split.leaky:
        text = "Leaky split: one person can stand in two parts, so its figures flatter the model."
        blocks.append(Paragraph(text, warning=True))
    return blocks


def _details(subject: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    words = describe(subject.card)
    wanted = ("Name", "Created", "Input", "Measures", "Estimator", "Heatmap", "Versions")
    rows = [(name, text) for name, text in words if name in wanted]
    rows.append(("Settings", known["settings"].text.removeprefix("Settings: ")))
    return [Paragraph(f"{known['recipe'].text}."), Table(("what", "value"), tuple(rows))]


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


def _training(subject: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    training = subject.card.training
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
        Paragraph(f"{known['data'].text}. {subject.card.data.citation}"),
        Table(("part", "persons, by their smallest subject id", "cells"), rows),
        Paragraph(
            "The file carries these ids and truncated hashes of the images, and evaluation refuses "
            "data that shares any of them."
        ),
    ]


def _evaluation(subject: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    lines = [
        f"{known['split'].text}.",
        f"{known['choice'].text}.",
        "Intervals are 95 % and come from drawing whole persons with replacement.",
    ]
    record = subject.record
    if record is not None:
        lines += [known["tested"].text + ".", known["bootstrap"].text + "."]
    return [Bullets(tuple(lines))]


def _results(subject: CardSource) -> list[Block]:
    results = subject.card.results
    if not results:
        return [
            Paragraph("Not measured yet: leukoscope evaluate RUN writes figures into the file.")
        ]
    rows = [
        (metric.title, str(results[metric.key]), metric.meaning)
        for metric in CARD_METRICS
        if metric.key in results
    ]
    one = next(iter(results.values()))
    left_out = is_final_fit(subject.card)
    weights = "; in what is said of answers and coverage persons weigh the same"
    alike = weights if any(metric.key in results for metric in SELECTIVE_METRICS) else ""
    whose = "On persons left out by cross-validation" if left_out else f"On the {one.part} part"
    return [
        Paragraph(f"{whose}: {one.persons} persons, {one.cells} cells{alike}."),
        Table(("figure", "value (95 % interval over persons)", "what it tells"), tuple(rows)),
    ]


def _persons(subject: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    if subject.record is None and subject.card.left_out:
        return _left_out(subject.card.left_out, known)
    if subject.record is None:
        return [
            Paragraph(
                "Not in the model file. Name the run folder instead, where leukoscope evaluate has "
                "written its report."
            )
        ]
    rows = [
        (row.person, row.label, str(row.cells), share(row), f"{row.mean_p:.3f}")
        for row in subject.record.persons
    ]
    headers = ("person", "class", "cells", "called rightly (95 % Wilson)", "mean probability")
    return [Table(headers, tuple(rows)), Paragraph("Plots stand in report.html of the run folder.")]


def _left_out(rows: Sequence[OutOfFoldResult], known: Mapping[str, Fact]) -> list[Block]:
    """Each person as seen by a model that had not seen it, and was limited by others alone."""
    return [
        Paragraph(f"{known['persons'].text}."),
        person_table(rows),
        Paragraph(
            "Each person was left out of the fit that answered; temperature, operating point and "
            "limits were set on other persons. The median area is that of what is not black, in "
            "pixels. Coverage is the share of cells whose class stays among the possible ones. "
            "Plots stand in docs/shipped-model.md."
        ),
    ]


def person_table(rows: Sequence[OutOfFoldResult]) -> Table:
    """A line for each person left out, shares with three digits."""

    def part(count: int, whole: int) -> str:
        return f"{count / whole:.3f}" if whole else "none"

    lines = tuple(
        (
            row.person,
            row.label,
            str(row.cells),
            "" if row.area is None else str(row.area),
            share_of(row),
            part(row.answered, row.cells),
            part(row.wrong, row.answered),
            part(row.covered, row.cells),
            part(row.not_cells, row.cells),
            f"{row.mean_p:.3f}",
        )
        for row in rows
    )
    return Table(LEFT_OUT, lines)


def _decisions(known: Mapping[str, Fact]) -> list[Block]:
    names = ("temperature", "calibration", "operating point", "abstention", "answered", "confusion")
    return [Bullets(tuple(known[name].text + "." for name in names if name in known))]


def _citation(subject: CardSource, known: Mapping[str, Fact]) -> list[Block]:
    card = subject.card
    return [
        Bullets(
            (
                f"{known['license'].text}; how to cite Leukoscope stands in CITATION.cff.",
                f"{card.data.citation} ({card.data.license})",
            )
        )
    ]
