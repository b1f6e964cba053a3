"""What a model file and, where there is one, the report of its run say, as sentences with sources.

Nothing is looked up elsewhere and no figure is typed in: a fact that the files do not hold is
absent, and whoever wants it says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.values import MetricResult
from leukoscope.evaluation.metrics.metrics import TITLES
from leukoscope.evaluation.record import Evaluation
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.card_text import describe
from leukoscope.inference.model_file.model_file import default_model, read_card
from leukoscope.modelcard.outcomes import REPORT, Fact, of_out_of_fold, of_record

MODEL = "model.onnx"
EVERYONE = "everyone"
"""The kind of split of a model that was fitted on all persons: its figures are of its like, fitted
without the persons they are measured on."""
HEADLINE = ("auroc", "sensitivity", "specificity", "balanced_accuracy", "f1_weighted")


@dataclass(frozen=True)
class CardSource:
    """What is written about: a model's card and, where its run was measured, that record."""

    card: Card
    record: Evaluation | None = None


def open_card_source(path: Path | str | None = None) -> CardSource:
    """Read a model file, or a run folder with its report.

    Args:
        path: A model file or a run folder; the shipped model where none is named.

    Raises:
        LeukoscopeError: The model cannot be used, or the report is of another model.
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


def facts(subject: CardSource) -> Mapping[str, Fact]:
    """Every fact that is known, by name."""
    card = subject.card
    words = dict(describe(card))
    found = {
        "name": Fact(f"{card.name}, made {card.created[:10]}", "card: name, created"),
        "input": Fact(_input(words), "card: input, descriptors"),
        "data": Fact(_data(card), "card: data"),
        "training": Fact(f"Trained on: {words['Trained on']}", "card: training"),
        "split": Fact(_split(card, words["Split"]), "card: training.split"),
        "choice": Fact(_choice(card), "card: training.split, operating_point"),
        "operating point": Fact(
            f"Operating point: {words['Operating point']}", "card: operating_point"
        ),
        "temperature": Fact(
            f"Answers with the {words['Answers']}, set on {chosen_on(card)}", "card: temperature"
        ),
        "heatmap": Fact(f"Heatmap: {words['Heatmap']}", "card: heatmap"),
        "abstention": Fact(f"Abstention: {words.get('Abstention', 'none')}", "card: abstention"),
        "versions": Fact(f"Made with {words['Versions']}", "card: versions"),
        "license": Fact(f"The model is licensed {card.license}", "card: license"),
        "recipe": Fact(_recipe(card), "card: recipe"),
        "settings": Fact(_settings(card), "card: recipe"),
        "balance": Fact(_balance(card), "card: recipe"),
        "initial values": Fact(_initial(card), "card: recipe"),
    }
    if card.results:
        found["figures"] = Fact(_headline(card.results), "card: results")
    if subject.record is not None:
        found |= of_record(subject.record)
    elif card.left_out:
        found |= of_out_of_fold(card)
    return found


def is_final_fit(card: Card) -> bool:
    """Whether the model was fitted on all persons, and measured by cross-validation."""
    return card.training.split.kind == EVERYONE


def chosen_on(card: Card) -> str:
    """The persons that set the temperature and the operating point, in words."""
    return "persons left out by cross-validation" if is_final_fit(card) else "validation persons"


def _split(card: Card, words: str) -> str:
    if is_final_fit(card):
        return (
            f"Split: none ({words}). All persons set the weights; the figures are those of models "
            "of the same recipe on persons left out by cross-validation"
        )
    return f"Split: by {words}"


def _choice(card: Card) -> str:
    if "classical" in card.recipe or is_final_fit(card):
        own = (
            "Settings of the estimator are the recipe's, or were chosen among its candidates by "
            "cross-validation over training persons"
        )
    else:
        own = "The epoch was chosen on validation persons"
    said = f"{own}; temperature and operating point were set on {chosen_on(card)}"
    if is_final_fit(card):
        said += ". Where the recipe itself was chosen by figures of these persons, they flatter it"
    return said


def _input(words: Mapping[str, str]) -> str:
    text = f"Input: {words['Input']} (RGB)"
    return f"{text}, of which are taken {words['Measures']}" if "Measures" in words else text


def _data(card: Card) -> str:
    doi = f", doi {card.data.doi}" if card.data.doi else ""
    return f"Data: {card.data.name} ({card.data.license}){doi}"


def _recipe(card: Card) -> str:
    summary = str(card.recipe.get("summary", "")).strip().rstrip(".")
    name = card.recipe.get("name", card.name)
    return f"Recipe {name}: {summary}" if summary else f"Recipe {name}"


def _settings(card: Card) -> str:
    """All settings of the recipe on one line."""
    named = {key: value for key, value in card.recipe.items() if isinstance(value, Mapping)}
    return "Settings: " + "; ".join(
        f"{group}: " + ", ".join(f"{name} {_plain(value)}" for name, value in settings.items())
        for group, settings in named.items()
    )


def _balance(card: Card) -> str:
    """What is done about classes of unequal size."""
    weights = {
        "loss": _group(card, "loss").get("class_weights"),
        "sampling": _group(card, "fit").get("sampling"),
        "estimator": _group(card, "classical").get("weights"),
    }
    named = ", ".join(f"{name} {value}" for name, value in weights.items() if value is not None)
    return f"Weights of classes: {named or 'none named'}"


def _initial(card: Card) -> str:
    """What training started from."""
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
    one = results[named[0]] if named else next(iter(results.values()))
    text = "; ".join(f"{TITLES[key]} {results[key]}" for key in named)
    return f"{text} ({one.part}: {one.persons} persons, {one.cells} cells)"
