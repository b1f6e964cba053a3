"""A recipe: all settings of a training run, read from YAML into frozen, validated dataclasses.

A run writes the recipe it used, whole, so that any figure can be traced to its settings and trained again.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from leukoscope.errors import RecipeError
from leukoscope.files import write_text

Monitor = Literal["loss", "auroc", "balanced_accuracy", "sensitivity", "specificity"]


@dataclass(frozen=True)
class Network:
    """The network. `widths`: channels per convolution, or units per dense layer for `dense`."""

    architecture: Literal["dense", "cnn"] = "cnn"
    widths: tuple[int, ...] = (32, 64, 64)
    pooling: Literal["flatten", "gap"] = "flatten"
    hidden: int = 64
    dropout: float = 0.0


@dataclass(frozen=True)
class Input:
    """What the network sees: a square of `crop` original pixels, resized to `size`."""

    crop: int = 384
    size: int = 256


@dataclass(frozen=True)
class Augment:
    """Random changes of a training cell; 0 or false leaves one out.

    Attributes:
        rotate: Largest turn to either side, degrees.
        flip: Mirror half of the cells.
        scale: Largest relative change of size (0.1: 90 to 110 %).
        shift: Largest shift, as a part of the side.
        brightness: Largest relative change of brightness.
        colour: Largest relative change of each colour channel, on the cell's pixels.
        blur: Largest standard deviation of a Gaussian blur, pixels.
    """

    rotate: float = 180.0
    flip: bool = True
    scale: float = 0.0
    shift: float = 0.02
    brightness: float = 0.1
    colour: float = 0.05
    blur: float = 0.0


@dataclass(frozen=True)
class Loss:
    """Binary cross-entropy and what is added to it.

    Attributes:
        class_weights: "none", "balanced" (each class weighs the same in sum), or a weight per class name.
        l1: Penalty on the sum of absolute kernel weights.
        l2: Penalty on the sum of squared kernel weights.
        smoothing: Label smoothing: targets become smoothing/2 and 1 - smoothing/2.
    """

    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    l1: float = 0.0
    l2: float = 0.0
    smoothing: float = 0.0


@dataclass(frozen=True)
class Optimiser:
    """How weights are changed. `clip`: largest gradient norm, 0 for no limit."""

    name: Literal["adam", "adamw", "sgd", "adamax", "rmsprop"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip: float = 1.0


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes from epoch to epoch.

    Attributes:
        name: "constant", "cosine" (to 1 % over all epochs) or "plateau".
        warmup: Epochs of linear rise at the start.
        factor: Plateau: what the rate is multiplied by.
        patience: Plateau: epochs without a better monitored value before it is.
    """

    name: Literal["constant", "cosine", "plateau"] = "plateau"
    warmup: int = 0
    factor: float = 0.3
    patience: int = 2


@dataclass(frozen=True)
class Fit:
    """The loop.

    Attributes:
        epochs: At most so many passes.
        batch_size: Cells a step, over all processes together.
        patience: Stop after so many epochs without a better monitored value.
        monitor: The figure on validation persons that decides which epoch is kept.
        sampling: "natural" (every cell once an epoch), "class" or "person" (drawn so that classes, or persons
            within classes, come equally often).
        precision: "auto" (bf16 where the processor computes in it), "bf16" or "fp32".
    """

    epochs: int = 30
    batch_size: int = 32
    patience: int = 4
    monitor: Monitor = "auroc"
    sampling: Literal["natural", "class", "person"] = "natural"
    precision: Literal["auto", "bf16", "fp32"] = "auto"


@dataclass(frozen=True)
class Recipe:
    """Everything a run needs besides the data, the split and the seed."""

    name: str
    summary: str = ""
    network: Network = field(default_factory=Network)
    input: Input = field(default_factory=Input)
    augment: Augment = field(default_factory=Augment)
    loss: Loss = field(default_factory=Loss)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    fit: Fit = field(default_factory=Fit)

    def __post_init__(self) -> None:
        _check_ranges(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars, for YAML and the model card."""
        return _plain(dataclasses.asdict(self))

    def with_settings(self, settings: Mapping[str, Any]) -> "Recipe":
        """The recipe with fields replaced by dotted name, e.g. {"loss.l2": 1e-4}.

        Raises:
            RecipeError: No such field, or a value it cannot take.
        """
        tree = self.to_dict()
        for name, value in settings.items():
            *groups, last = name.split(".")
            branch = tree
            for group in groups:
                branch = branch.get(group, {}) if isinstance(branch, dict) else {}
            if not isinstance(branch, dict) or last not in branch:
                raise RecipeError(
                    f"recipe {self.name}: no setting {name!r}. Settings: {', '.join(setting_names())}."
                )
            branch[last] = value
        return from_dict(tree)


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    folder = resources.files("leukoscope.models") / "recipes"
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def setting_names() -> list[str]:
    """Every dotted setting a recipe has."""
    tree = Recipe("any").to_dict()
    return [
        f"{group}.{name}" for group, fields in tree.items() if isinstance(fields, dict) for name in fields
    ]


def read_recipe(name: str | Path) -> Recipe:
    """Read a recipe that comes with the package, by name, or a YAML file, by path.

    Raises:
        RecipeError: No such recipe, not YAML, an unknown field or a value out of range; names the field.
    """
    import yaml

    path = Path(name)
    if str(name) in recipe_names():
        text = (resources.files("leukoscope.models") / "recipes" / f"{name}.yaml").read_text("utf-8")
    elif path.suffix in (".yaml", ".yml") and path.is_file():
        text = path.read_text("utf-8")
    else:
        raise RecipeError(
            f"no recipe {str(name)!r}: choose one of {', '.join(recipe_names())}, or name a .yaml file."
        )
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: not valid YAML ({' '.join(str(error).split())}).") from error
    if not isinstance(tree, dict):
        raise RecipeError(f"{name}: a recipe is a list of settings, 'name: value' on each line.")
    return from_dict(tree)


def write_recipe(recipe: Recipe, path: Path | str) -> None:
    """Write all settings as YAML, atomically."""
    import yaml

    write_text(path, yaml.safe_dump(recipe.to_dict(), sort_keys=False, allow_unicode=True))


def from_dict(tree: Mapping[str, Any]) -> Recipe:
    """Build a recipe from plain dicts, strictly."""
    if not isinstance(tree.get("name"), str):
        raise RecipeError("a recipe needs a name: 'name: my-recipe'.")
    recipe: Recipe = _build(Recipe, tree, f"recipe {tree['name']}", "")
    return recipe


def _build(cls: Any, tree: Any, where: str, prefix: str) -> Any:
    if not isinstance(tree, Mapping):
        raise RecipeError(f"{where}: {prefix.rstrip('.')} must hold settings of its own, got {tree!r}.")
    hints = typing.get_type_hints(cls)
    unknown = [str(name) for name in tree if name not in hints]
    if unknown:
        raise RecipeError(
            f"{where}: unknown setting {prefix}{unknown[0]}; known here: {', '.join(hints)}."
        )
    values = {}
    for name, value in tree.items():
        hint = hints[name]
        if dataclasses.is_dataclass(hint):
            values[name] = _build(hint, value, where, f"{prefix}{name}.")
        else:
            values[name] = _convert(hint, value, f"{where}: {prefix}{name}")
    return cls(**values)


def _convert(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type `hint`, or a RecipeError that says what is expected."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):  # the only union: a word, or a number per class
        choice = next(c for c in arguments if (typing.get_origin(c) is dict) == isinstance(value, dict))
        return _convert(choice, value, where)
    if origin is Literal:
        if value in arguments and not isinstance(value, bool):
            return value
        raise RecipeError(f"{where} is {value!r}; choose one of {', '.join(map(str, arguments))}.")
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(arguments[0], entry, where) for entry in value)
    if origin is dict and isinstance(value, dict):
        return {str(key): _convert(arguments[1], entry, where) for key, entry in value.items()}
    if hint is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-3 as text
        except ValueError:
            pass
    if hint in (bool, int, str) and type(value) is hint:
        return value
    expected = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    raise RecipeError(f"{where} is {value!r}; expected {expected.get(hint, 'a list of values')}.")


def _check_ranges(recipe: Recipe) -> None:
    net, fit, loss, optimiser, augment = (
        recipe.network,
        recipe.fit,
        recipe.loss,
        recipe.optimiser,
        recipe.augment,
    )
    weights = loss.class_weights if isinstance(loss.class_weights, dict) else {"ALL": 1.0, "HEM": 1.0}
    rules = [
        (16 <= recipe.input.size <= recipe.input.crop <= 4096, "input: 16 <= size <= crop <= 4096"),
        (len(net.widths) > 0 and all(w > 0 for w in net.widths), "network.widths: positive numbers"),
        (net.hidden > 0, "network.hidden: above 0"),
        (0 <= net.dropout < 1, "network.dropout: from 0 to below 1"),
        (net.architecture == "cnn" or net.pooling == "flatten", "network.pooling: gap needs the cnn"),
        (fit.epochs > 0 and fit.batch_size > 0 and fit.patience > 0, "fit: epochs, batch_size, patience above 0"),
        (optimiser.learning_rate > 0, "optimiser.learning_rate: above 0"),
        (optimiser.clip >= 0 and optimiser.weight_decay >= 0, "optimiser: clip, weight_decay not negative"),
        (loss.l1 >= 0 and loss.l2 >= 0 and 0 <= loss.smoothing < 1, "loss: l1, l2 >= 0, 0 <= smoothing < 1"),
        (set(weights) == {"ALL", "HEM"} and all(w > 0 for w in weights.values()),
         "loss.class_weights: none, balanced, or {ALL: x, HEM: y} above 0"),
        (0 <= augment.rotate <= 180 and 0 <= augment.scale < 0.9, "augment: rotate 0-180, scale 0 to 0.9"),
        (min(augment.shift, augment.brightness, augment.colour, augment.blur) >= 0, "augment: not negative"),
        (0 < recipe.schedule.factor < 1, "schedule.factor: between 0 and 1"),
    ]
    for true, rule in rules:
        if not true:
            raise RecipeError(f"recipe {recipe.name}: out of range; {rule}.")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value
