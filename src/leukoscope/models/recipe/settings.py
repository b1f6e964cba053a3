"""The groups of settings of a recipe: frozen dataclasses whose fields are data, not code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from leukoscope.core.dataclass_reader import HANDWRITTEN, MalformedError, build
from leukoscope.core.errors import RecipeError

T = TypeVar("T")
Monitor = Literal["loss", "auroc", "balanced_accuracy", "sensitivity", "specificity"]


@dataclass(frozen=True)
class Input:
    """What the network sees: a square of `crop` original pixels, resized to `size`."""

    crop: int = 384
    size: int = 256


WHOLE_FRAME = Input(crop=450, size=450)
"""Every official training image as it is, and the center of a larger one."""


@dataclass(frozen=True)
class Augment:
    """Random changes of a training cell; 0 or false leaves one out.

    Attributes:
        rotate: Largest turn to either side, degrees.
        flip: Mirror half of the cells.
        scale: Largest relative change of size (0.1: 90 to 110 %).
        shift: Largest shift, as a part of the side.
        brightness: Largest relative change of brightness.
        color: Largest relative change of each color channel, on the cell's pixels.
        blur: Largest standard deviation of a Gaussian blur, pixels.
    """

    rotate: float = 180.0
    flip: bool = True
    scale: float = 0.0
    shift: float = 0.02
    brightness: float = 0.1
    color: float = 0.05
    blur: float = 0.0


@dataclass(frozen=True)
class Loss:
    """Binary cross-entropy and what is added to it.

    Attributes:
        class_weights: "none", "balanced" (each class weighs the same in sum), or a weight per class
            name.
        l1: Penalty on the sum of absolute kernel weights.
        l2: Penalty on the sum of squared kernel weights.
        penalized: Whose kernels: "all", or the "head" alone.
        smoothing: Label smoothing: targets become smoothing/2 and 1 - smoothing/2.
    """

    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    l1: float = 0.0
    l2: float = 0.0
    penalized: Literal["all", "head"] = "all"
    smoothing: float = 0.0


@dataclass(frozen=True)
class Optimizer:
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
class Stage:
    """One part of a training: what changes in it, how fast and how long. 0 is that of the recipe.

    Attributes:
        train: "all", the "head" alone, or {last: N}: the head and the last N blocks of the trunk.
        epochs: At most so many; 0 for `fit.epochs`.
        learning_rate: One rate, or {backbone: x, head: y}; 0 for `optimizer.learning_rate`.
        patience: Go on to the next stage after so many epochs without a better monitored value;
            0 for `fit.patience`.
        layer_decay: The rate of each block of the trunk as a part of the next one's.
    """

    train: Literal["all", "head"] | dict[str, int] = "all"
    epochs: int = 0
    learning_rate: float | dict[str, float] = 0.0
    patience: int = 0
    layer_decay: float = 1.0


def read_settings(cls: type[T], tree: Mapping[str, Any], where: str, path: str = "") -> T:
    """Build settings from plain dicts, as YAML gives them.

    Args:
        cls: The dataclass of the settings.
        tree: Names and values; a number may be text, as in 1e-3, and one value may stand for a
            list.
        where: The name of the recipe in messages.
        path: Dotted path of the settings in the recipe.

    Raises:
        RecipeError: An unknown name, or a value of another type; names the field.
    """
    try:
        return build(cls, tree, path, HANDWRITTEN)
    except MalformedError as error:
        raise RecipeError(f"{where}: {error}.") from None
