"""Reporting checklists: for each item the place of its answer, or why it is not answered.

CLAIM: A. S. Tejani et al., "Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024
update", Radiology: Artificial Intelligence 6 (2024) e240300. TRIPOD+AI: G. S. Collins et al.,
"TRIPOD+AI statement", BMJ 385 (2024) e078378. Items are listed by number with our own short wording
of what each asks; the publications have the full text.

An item is answered by facts of the file and report, by a statement about the software that holds
for every model, or by a statement about the data that holds for C-NMC alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from leukoscope.core.dataclass_reader import build
from leukoscope.core.yaml_files import read_yaml
from leukoscope.inference.model_file.origin import is_cnmc
from leukoscope.modelcard.blocks import Block, Heading, Page, Paragraph, Table
from leukoscope.modelcard.facts import CardSource, facts
from leukoscope.modelcard.outcomes import Fact

CHECKLISTS = ("claim", "tripod")


@dataclass(frozen=True)
class Item:
    """One item.

    Attributes:
        number: As printed: "20", or "12a".
        asks: What it asks, in our words.
        facts: Names of facts that answer it, fully or partly.
        says: Statement that holds for every model of this software.
        data: Statement that holds if the data is C-NMC.
        see: Page of the documentation with more.
        lacks: What is not answered, and why.
    """

    number: str
    asks: str
    facts: tuple[str, ...] = ()
    says: str = ""
    data: str = ""
    see: str = ""
    lacks: str = ""


@dataclass(frozen=True)
class Checklist:
    """A publication's items, by section."""

    title: str
    source: str
    sections: Mapping[str, tuple[Item, ...]]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items in order."""
        return tuple(item for items in self.sections.values() for item in items)


@dataclass(frozen=True)
class Answer:
    """The answer to an item. `state` is answered, partly, or not answered."""

    state: str
    text: str
    source: str


def read_checklist(name: str) -> Checklist:
    """Read one of `CHECKLISTS`."""
    source = resources.files("leukoscope.modelcard").joinpath(f"{name}.yaml")
    return build(Checklist, read_yaml(source, f"{name}.yaml"))


def answer(item: Item, known: Mapping[str, Fact], *, cnmc: bool) -> Answer:
    """Answer one item.

    Args:
        item: The item.
        known: Result of `facts`; an item with absent facts is answered partly at most.
        cnmc: Whether the model's data is C-NMC 2019.
    """
    named = [known[name] for name in item.facts if name in known]
    absent = [name for name in item.facts if name not in known]
    texts = [fact.text for fact in named]
    sources = [fact.source for fact in named]
    if item.says:
        texts.append(item.says)
    if item.data and cnmc:
        texts.append(item.data)
    if item.see:
        sources.append(item.see)
    lacks = [item.lacks] if item.lacks else []
    if absent:
        lacks.append(f"{', '.join(absent)} (in the report of a run, not in a model file alone)")
    if item.data and not cnmc:
        lacks.append("to be stated by those who provided the data")
    state = "answered" if texts and not lacks else "partly" if texts else "not answered"
    if lacks:
        texts.append(f"Not answered: {'; '.join(lacks)}")
    return Answer(state, ". ".join(texts) + ".", "; ".join(dict.fromkeys(sources)))


def filled(source: CardSource) -> Page:
    """Both checklists, filled for one model."""
    known = facts(source)
    cnmc = is_cnmc(source.card)
    blocks: list[Block] = [
        Paragraph(
            f"Filled by leukoscope model checklist for the model {known['name'].text}. The second "
            "column is our short wording of what an item asks; the publications have the full text."
        )
    ]
    for name in CHECKLISTS:
        checklist = read_checklist(name)
        answers = {item.number: answer(item, known, cnmc=cnmc) for item in checklist.items}
        blocks += [
            Heading(checklist.title),
            Paragraph(f"{checklist.source} {_count(answers)}"),
        ]
        for section, items in checklist.sections.items():
            rows = tuple(_row(item, answers[item.number]) for item in items)
            headers = ("item", "asks for", "state", "answer", "source")
            blocks += [Heading(section, 3), Table(headers, rows)]
    return Page("Reporting checklists", tuple(blocks))


def _row(item: Item, given: Answer) -> tuple[str, ...]:
    return item.number, item.asks, given.state, given.text, given.source


def _count(answers: Mapping[str, Answer]) -> str:
    states = [given.state for given in answers.values()]
    parts = [f"{states.count(state)} {state}" for state in ("answered", "partly", "not answered")]
    return f"Of {len(states)} entries: {', '.join(parts)}."
