"""A card as text: one line for each topic, and the headings of `leukoscope model show`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.values import MetricResult
from leukoscope.core.wording import count as counted
from leukoscope.inference.model_file.adaptation import adaptation_text
from leukoscope.inference.model_file.hashes import unpack_hashes
from leukoscope.inference.model_file.limits import abstention_text, distance_text
from leukoscope.inference.model_file.origin import scale_text, stated_data
from leukoscope.inference.model_file.out_of_fold import persons_text
from leukoscope.inference.rejection.image_checks import quality_text
from leukoscope.inference.subject.text import subjects_text

if TYPE_CHECKING:
    from leukoscope.inference.model_file.card import Card


@dataclass(frozen=True)
class CardText:
    """A card as text; "" for a topic on which the card has nothing.

    Pages take these fields, never the headings, so that a change of wording breaks nothing.
    """

    use: str
    name: str
    created: str
    input: str
    scale: str
    descriptors: str
    estimator: str
    output: str
    heatmap: str
    operating_point: str
    abstention: str
    distance_limit: str
    image_limits: str
    adaptation: str
    training: str
    split: str
    data: str
    license: str
    versions: str
    out_of_fold: str
    subjects: str
    results: Mapping[str, str]


HEADINGS = {
    "use": "Use",
    "name": "Name",
    "created": "Created",
    "input": "Input",
    "scale": "Scale",
    "descriptors": "Descriptors",
    "estimator": "Estimator",
    "output": "Output",
    "heatmap": "Heatmap",
    "operating_point": "Operating point",
    "abstention": "Abstention",
    "distance_limit": "Distance limit",
    "image_limits": "Image limits",
    "adaptation": "Adapted",
    "training": "Training data",
    "split": "Split",
    "data": "Data",
    "license": "License",
    "versions": "Versions",
    "out_of_fold": "By person",
    "subjects": "Answer for a subject",
}
"""The heading of each line, in reading order."""


def describe(card: "Card") -> list[tuple[str, str]]:
    """Describe a card in pairs of a heading and a line of text, in reading order."""
    text = card_text(card)
    lines = [(heading, getattr(text, name)) for name, heading in HEADINGS.items()]
    metrics = [(f"Result {name}", line) for name, line in text.results.items()]
    return [(heading, line) for heading, line in lines if line] + metrics


def card_text(card: "Card") -> CardText:
    """Write a card as text."""
    crop, size = card.input.crop, card.input.size
    exact = "exact: the contribution of each position to the logit"
    none = "none; an approximate occlusion map is computed on demand"
    return CardText(
        use=RESEARCH_USE,
        name=card.name,
        created=card.created,
        input=f"the central {crop} x {crop} original pixels, resized to {size} x {size}",
        scale=scale_text(card),
        descriptors=_descriptors(card),
        estimator=_estimator(card),
        output=f"probability of {card.positive}, temperature {card.temperature:.3g}",
        heatmap=exact if card.heatmap == "cam" else none,
        operating_point=_operating_point(card),
        abstention=abstention_text(card.abstention),
        distance_limit=distance_text(card.out_of_distribution),
        image_limits=quality_text(card.image_limits),
        adaptation=adaptation_text(card.adaptation),
        training=_training(card),
        split=_split(card),
        data=_data(card),
        license=card.license,
        versions=", ".join(f"{name} {version}" for name, version in card.versions.items()),
        out_of_fold=persons_text(card.left_out) if card.left_out else "",
        subjects=subjects_text(card.subjects),
        results={name: _result(result) for name, result in card.results.items()},
    )


def _data(card: "Card") -> str:
    data = stated_data(card)
    return f"{data.name}. {data.citation} ({data.license})"


def _descriptors(card: "Card") -> str:
    if card.descriptors is None:
        return ""
    count, version = len(card.descriptors.names), card.descriptors.version
    return f"{counted(count, 'descriptor')} of the cell, version {version}"


def _estimator(card: "Card") -> str:
    settings = card.recipe.get("classical")
    if not isinstance(settings, dict):
        return ""
    values = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in settings.items()
        if name != "estimator" and value != []
    }
    listed = "; ".join(f"{name} {value}" for name, value in values.items())
    return f"{settings.get('estimator')}: {listed}"


def _operating_point(card: "Card") -> str:
    point = card.operating_point
    if point is None:
        return "not set: blast from 0.5"
    return (
        f"blast from {point.threshold:.4f}, chosen for {point.target_recall:.0%} recall on "
        f"{counted(point.set_on.persons, 'person')} ({point.set_on.part}, "
        f"{counted(point.set_on.cells, 'cell')}): "
        f"{point.recall:.1%} recall and {point.specificity:.1%} specificity"
    )


def _training(card: "Card") -> str:
    training = card.training
    parts = [
        f"{part}: {' and '.join(f'{count:,} {label}' for label, count in cells.items())} cells "
        f"of {counted(len(training.persons.get(part, ())), 'person')}"
        for part, cells in training.cells.items()
    ]
    synthetic = "SYNTHETIC cells; " if training.synthetic else ""
    hashes = f"hashes of {counted(len(unpack_hashes(training.hashes)), 'image')} in the card"
    if training.hashes and not training.pixels:
        hashes += ", by file only: copies in another format are not recognized"
    count = training.not_compared
    unchecked = f"; the audit could not compare {count:,} of the images" if count else ""
    return f"{synthetic}{'; '.join(parts)}; {hashes}{unchecked}"


def _split(card: "Card") -> str:
    split = card.training.split
    leaky = ". LEAKY: the same person can be in two subsets" if split.leaky else ""
    return f"{split.kind}, seed {split.seed}{leaky}"


def _result(result: MetricResult) -> str:
    value = "undefined" if result.value is None else f"{result.value:.3f}"
    if result.low is not None and result.high is not None:
        value = f"{value}, 95 % interval {result.low:.3f} to {result.high:.3f}"
    return (
        f"{value} ({result.part}: {counted(result.persons, 'person')}, "
        f"{counted(result.cells, 'cell')})"
    )
