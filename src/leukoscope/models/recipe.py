"""A recipe: all settings of a training run, read from YAML into frozen, validated dataclasses.

A run writes the recipe it used, whole, so that any figure can be traced to its settings and
trained again.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from leukoscope.errors import RecipeError
from leukoscope.files import write_text
from leukoscope.models.conversion import build

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
        class_weights: "none", "balanced" (each class weighs the same in sum), or a weight per class
            name.
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
        sampling: "natural" (every cell once an epoch), "class" or "person" (drawn so that classes,
            or persons within classes, come equally often).
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
                    f"recipe {self.name}: no setting {name!r}. Settings: "
                    f"{', '.join(setting_names())}."
                )
            branch[last] = value
        return from_dict(tree)


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    names = [entry.name for entry in _packaged().iterdir()]
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def _packaged() -> Traversable:
    return resources.files("leukoscope.models") / "recipes"


def setting_names() -> list[str]:
    """Every dotted setting a recipe has."""
    tree = Recipe("any").to_dict()
    return [
        f"{group}.{name}"
        for group, fields in tree.items()
        if isinstance(fields, dict)
        for name in fields
    ]


def read_recipe(name: str | Path) -> Recipe:
    """Read a recipe that comes with the package, by name, or a YAML file, by path.

    Raises:
        RecipeError: No such recipe, not YAML, an unknown field or a value out of range; names the
            field.
    """
    import yaml

    path = Path(name)
    source: Traversable = path
    if str(name) in recipe_names():
        source = _packaged() / f"{name}.yaml"
    elif path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise RecipeError(
            f"no recipe {str(name)!r}: choose one of {', '.join(recipe_names())}, "
            "or name a .yaml file."
        )
    try:
        tree = yaml.safe_load(source.read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"{name}: cannot be read as YAML ({reason}).") from error
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
    recipe: Recipe = build(Recipe, tree, f"recipe {tree['name']}")
    return recipe


def _check_ranges(recipe: Recipe) -> None:
    net, cells, fit, loss = recipe.network, recipe.input, recipe.fit, recipe.loss
    optimiser, schedule, augment = recipe.optimiser, recipe.schedule, recipe.augment
    even = {"ALL": 1.0, "HEM": 1.0}
    weights = loss.class_weights if isinstance(loss.class_weights, dict) else even
    gains = (augment.shift, augment.brightness, augment.colour)
    rules = [
        (re.fullmatch(r"\w[\w.-]{0,99}", recipe.name), "name: letters, digits, '.', '_', '-'"),
        (16 <= cells.size <= cells.crop <= 4096, "input: 16 <= size <= crop <= 4096"),
        (net.widths and min(net.widths) > 0, "network.widths: positive numbers"),
        (net.hidden > 0, "network.hidden: above 0"),
        (0 <= net.dropout < 1, "network.dropout: from 0 to below 1"),
        (net.architecture == "cnn" or net.pooling == "flatten", "network.pooling: gap needs cnn"),
        (
            net.architecture == "dense" or last_side(net.widths, cells.size) > 0,
            "network.widths: too many convolutions for input.size, each of which halves it",
        ),
        (min(fit.epochs, fit.batch_size, fit.patience) > 0, "fit: whole numbers above 0"),
        (optimiser.learning_rate > 0, "optimiser.learning_rate: above 0"),
        (
            optimiser.clip >= 0 and optimiser.weight_decay >= 0,
            "optimiser: clip and weight_decay not negative",
        ),
        (
            loss.l1 >= 0 and loss.l2 >= 0 and 0 <= loss.smoothing < 1,
            "loss: l1 and l2 not negative, smoothing from 0 to below 1",
        ),
        (
            weights.keys() == even.keys() and min(weights.values()) > 0,
            "loss.class_weights: none, balanced, or {ALL: x, HEM: y} above 0",
        ),
        (0 <= augment.rotate <= 180, "augment.rotate: from 0 to 180"),
        (0 <= augment.scale < 0.9, "augment.scale: from 0 to below 0.9"),
        (
            min(gains) >= 0 and max(gains) < 1,
            "augment: shift, brightness, colour from 0 to below 1",
        ),
        (0 <= augment.blur <= 20, "augment.blur: from 0 to 20"),
        (0 < schedule.factor < 1, "schedule.factor: between 0 and 1"),
        (schedule.warmup >= 0 and schedule.patience >= 0, "schedule: warmup, patience from 0"),
    ]
    for holds, rule in rules:
        if not holds:
            raise RecipeError(f"recipe {recipe.name!r}: out of range; {rule}.")


def last_side(widths: tuple[int, ...], size: int) -> int:
    """The side of what remains of a cell after a 3x3 convolution and a halving for each width."""
    for _ in widths:
        size = (size - 2) // 2
    return size


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value
