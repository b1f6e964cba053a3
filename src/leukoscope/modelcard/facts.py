"""Facts about a model, from its file and its run's report, as sentences with sources.

No metric is typed in here: a fact that the files do not hold is absent, and the pages say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.values import MetricResult
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.metrics import TITLES
from leukoscope.evaluation.record import Evaluation
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.card_text import CardText, card_text
from leukoscope.inference.model_file.model_file import default_model, read_card
from leukoscope.inference.model_file.origin import stated_data
from leukoscope.modelcard.outcomes import REPORT, Fact, of_out_of_fold, of_record

MODEL = "model.onnx"
EVERYONE = "everyone"
"""The kind of split of a model fitted on all persons: its metrics come from models of the same
recipe, each fitted without the persons it is measured on."""
HEADLINE = ("auroc", "sensitivity", "specificity", "balanced_accuracy", "f1_weighted")


@dataclass(frozen=True)
class CardSource:
    """The sources of a model's pages: its card and, if its run was evaluated, that record."""

    card: Card
    record: Evaluation | None = None


def open_card_source(path: Path | str | None = None) -> CardSource:
    """Read a model file, or a run folder with its report.

    Args:
        path: A model file or a run folder; None for the shipped model.

    Raises:
        LeukoscopeError: The model is invalid, or the report is of another model.
    """
    place = Path(path) if path is not None else default_model()
    if not place.is_dir():
        return CardSource(read_card(place))
    card = read_card(place / MODEL)
    report = place / REPORT
    if not report.is_file():
        return CardSource(card)
    record = Evaluation.from_json(report.read_text("utf-8"))
    known = record.protocol.persons
    if any(tuple(known.get(part, ())) != names for part, names in card.training.persons.items()):
        raise LeukoscopeError(
            f"{report} measures a model of other persons than {place / MODEL}; "
            f"measure it again: leukoscope evaluate {place}"
        )
    return CardSource(card, record)


def facts(source: CardSource) -> Mapping[str, Fact]:
    """Every known fact, by name."""
    card = source.card
    text = card_text(card)
    known = {
        "name": Fact(f"{card.name}, made {card.created[:10]}", "card: name, created"),
        "input": Fact(_input(text), "card: input, descriptors"),
        "data": Fact(_data(card), "card: data"),
        "training": Fact(f"Training data: {text.training}", "card: training"),
        "split": Fact(_split(card, text), "card: training.split"),
        "choice": Fact(_choice(card), "card: training.split, operating_point"),
        "operating point": Fact(
            f"Operating point: {text.operating_point}", "card: operating_point"
        ),
        "temperature": Fact(
            f"Output: {text.output}, set on {calibration_persons(card)}", "card: temperature"
        ),
        "heatmap": Fact(f"Heatmap: {text.heatmap}", "card: heatmap"),
        "abstention": Fact(f"Abstention: {text.abstention}", "card: abstention"),
        "versions": Fact(f"Made with {text.versions}", "card: versions"),
        "license": Fact(f"License of the model: {card.license}", "card: license"),
        "recipe": Fact(_recipe(card), "card: recipe"),
        "settings": Fact(f"Settings: {settings_text(card)}", "card: recipe"),
        "balance": Fact(_balance(card), "card: recipe"),
        "initial values": Fact(_initial(card), "card: recipe"),
    }
    if card.adaptation is not None:
        known["adaptation"] = Fact(f"Adapted: {text.adaptation}", "card: adaptation")
    if card.results:
        known["metrics"] = Fact(_headline(card.results), "card: results")
    if source.record is not None:
        known |= of_record(source.record)
    elif card.left_out:
        known |= of_out_of_fold(card)
    return known


def is_final_fit(card: Card) -> bool:
    """True if the model was fitted on all persons, and measured by cross-validation."""
    return card.training.split.kind == EVERYONE and card.adaptation is None


def is_shipped(card: Card) -> bool:
    """True if the model is the one that ships with the package, whose pages the docs have."""
    shipped = read_card(default_model())
    return (card.name, card.training.hashes) == (shipped.name, shipped.training.hashes)


def calibration_persons(card: Card) -> str:
    """The persons on whom temperature and operating point were set, as text."""
    if card.adaptation is not None:
        return "the persons that the model was adapted to"
    return "persons left out by cross-validation" if is_final_fit(card) else "validation persons"


def settings_text(card: Card) -> str:
    """All settings of the recipe in one line."""
    groups = {key: value for key, value in card.recipe.items() if isinstance(value, Mapping)}
    return "; ".join(
        f"{group}: " + ", ".join(f"{name} {_plain(value)}" for name, value in settings.items())
        for group, settings in groups.items()
    )


def _split(card: Card, text: CardText) -> str:
    if card.adaptation is not None:
        return (
            f"Split of the model before it was adapted: by {text.split}. The metrics are those of "
            "the persons that it was adapted to, each left out in turn"
        )
    if is_final_fit(card):
        return (
            f"Split: none ({text.split}). The model is fitted on all persons; the metrics are "
            "those of models of the same recipe on persons left out by cross-validation"
        )
    return f"Split: by {text.split}"


def _choice(card: Card) -> str:
    if "classical" in card.recipe or is_final_fit(card):
        settings = (
            "The settings of the estimator are the recipe's, or were chosen among its candidates "
            "by cross-validation over training persons"
        )
    else:
        settings = "The epoch was chosen on validation persons"
    text = f"{settings}; temperature and operating point were set on {calibration_persons(card)}"
    if is_final_fit(card):
        text += (
            ". If the recipe itself was chosen by metrics on these persons, the metrics are "
            "optimistic"
        )
    return text


def _input(text: CardText) -> str:
    line = f"Input: {text.input} (RGB)"
    return f"{line}, from which {text.descriptors} are measured" if text.descriptors else line


def _data(card: Card) -> str:
    data = stated_data(card)
    doi = f", doi {data.doi}" if data.doi else ""
    return f"Data: {data.name} ({data.license}){doi}"


def _recipe(card: Card) -> str:
    summary = str(card.recipe.get("summary", "")).strip().rstrip(".")
    name = card.recipe.get("name", card.name)
    return f"Recipe {name}: {summary}" if summary else f"Recipe {name}"


def _balance(card: Card) -> str:
    """The weights of classes of unequal size."""
    weights = {
        "loss": _group(card, "loss").get("class_weights"),
        "sampling": _group(card, "fit").get("sampling"),
        "estimator": _group(card, "classical").get("balance"),
    }
    named = ", ".join(f"{name} {value}" for name, value in weights.items() if value is not None)
    return f"Class weights: {named or 'none named'}"


def _initial(card: Card) -> str:
    """The initial values of the training."""
    if "classical" in card.recipe:
        return "Initial values: an estimator of this kind has none"
    weights = _group(card, "network").get("weights")
    return f"Initial values: {weights or 'random, from the seed of the run'}"


def _group(card: Card, name: str) -> Mapping[str, object]:
    group = card.recipe.get(name)
    return group if isinstance(group, Mapping) else {}


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return "/".join(map(_plain, value)) or "none"
    return str(value)


def _headline(results: Mapping[str, MetricResult]) -> str:
    named = [key for key in HEADLINE if key in results]
    measured_on = results[named[0]] if named else next(iter(results.values()))
    text = "; ".join(f"{TITLES[key]} {results[key]}" for key in named)
    return (
        f"{text} ({measured_on.part}: {counted(measured_on.persons, 'person')}, "
        f"{counted(measured_on.cells, 'cell')})"
    )
