"""A card in words, as `leukoscope model show` prints it."""

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.values import MetricResult
from leukoscope.inference.model_file.card import Card, unpack_hashes
from leukoscope.inference.model_file.limits import abstention_text, distance_text
from leukoscope.inference.model_file.out_of_fold import persons_text
from leukoscope.inference.rejection.image_checks import quality_text


def describe(card: Card) -> list[tuple[str, str]]:
    """A card as pairs of a heading and a line of text, in reading order."""
    crop, size = card.input.crop, card.input.size
    none = "none of its own; an occlusion map, approximate, is made on demand"
    heatmap = "exact: what each place adds to the logit" if card.heatmap == "cam" else none
    lines = [
        ("Use", RESEARCH_USE),
        ("Name", card.name),
        ("Created", card.created),
        ("Input", f"the central {crop} x {crop} original pixels, at {size} x {size}"),
        *_classical(card),
        ("Answers", f"probability of {card.positive}, temperature {card.temperature:.3g}"),
        ("Heatmap", heatmap),
        ("Operating point", _operating_point(card)),
        ("Abstention", abstention_text(card.abstention)),
        ("Known cells", distance_text(card.out_of_distribution)),
        ("Known looks", quality_text(card.image_limits)),
        ("Trained on", _training(card)),
        ("Split", _split(card)),
        ("Data", f"{card.data.name}. {card.data.citation} ({card.data.license})"),
        ("License", card.license),
        ("Versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())),
    ]
    if card.left_out:
        lines.append(("By person", persons_text(card.left_out)))
    return lines + [(f"Measured {name}", _measured(one)) for name, one in card.results.items()]


def _classical(card: Card) -> list[tuple[str, str]]:
    """What is measured and by what it is judged, where that is no network."""
    lines = []
    if card.descriptors is not None:
        count, version = len(card.descriptors.names), card.descriptors.version
        lines.append(("Measures", f"{count} descriptors of the cell, version {version}"))
    settings = card.recipe.get("classical")
    if isinstance(settings, dict):
        own = {name: value for name, value in settings.items() if name != "estimator"}
        lines.append(("Estimator", f"{settings.get('estimator')}: {_in_words(own)}"))
    return lines


def _in_words(settings: dict[str, object]) -> str:
    """Settings on one line: a list as its values, an empty one left out."""
    words = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in settings.items()
        if value != []
    }
    return "; ".join(f"{name} {text}" for name, text in words.items())


def _operating_point(card: Card) -> str:
    point = card.operating_point
    if point is None:
        return "none set: blast from 0.5"
    return (
        f"blast from {point.threshold:.4f}, set for {point.target_recall:.0%} recall; there "
        f"{point.recall:.1%} recall at {point.specificity:.1%} specificity "
        f"({point.set_on.part}: {point.set_on.persons} persons, {point.set_on.cells} cells)"
    )


def _training(card: Card) -> str:
    training = card.training
    parts = [
        f"{part}: {' and '.join(f'{count} {label}' for label, count in cells.items())} cells "
        f"of {len(training.persons.get(part, ()))} persons"
        for part, cells in training.cells.items()
    ]
    made_up = "SYNTHETIC cells; " if training.synthetic else ""
    return f"{made_up}{'; '.join(parts)}; {len(unpack_hashes(training.hashes))} images on record"


def _split(card: Card) -> str:
    split = card.training.split
    leaky = ". LEAKY: the same person can stand in two parts" if split.leaky else ""
    return f"{split.kind}, seed {split.seed}{leaky}"


def _measured(one: MetricResult) -> str:
    value = "undefined" if one.value is None else f"{one.value:.3f}"
    if one.low is not None and one.high is not None:
        value = f"{value}, 95 % interval {one.low:.3f} to {one.high:.3f}"
    return f"{value} ({one.part}: {one.persons} persons, {one.cells} cells)"
