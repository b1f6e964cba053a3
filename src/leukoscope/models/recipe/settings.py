"""The groups of settings of a recipe, each with the conditions on its values.

They are frozen dataclasses whose fields are data, not code. `rules()` lists conditions, each with
the rule in words for the message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from leukoscope.core.dataclass_reader import HANDWRITTEN, MalformedError, build
from leukoscope.core.errors import RecipeError

T = TypeVar("T")
Monitor = Literal["loss", "auroc", "balanced_accuracy", "sensitivity", "specificity"]
Rules = Sequence[tuple[object, str]]


@dataclass(frozen=True)
class Input:
    """The part of an image that the model is given: the central `crop` original pixels, resized.

    Attributes:
        crop: Side of the square in original pixels.
        size: Side in pixels after resizing.
    """

    crop: int = 384
    size: int = 256

    def rules(self) -> Rules:
        """Conditions on the settings."""
        return [(16 <= self.size <= self.crop <= 4096, "input: 16 <= size <= crop <= 4096")]


WHOLE_FRAME = Input(crop=450, size=450)
"""Every official training image as it is, and the center of a larger one."""


@dataclass(frozen=True)
class Augment:
    """Random augmentation of a training cell; 0 or false turns a transformation off.

    Attributes:
        rotate: Maximum rotation to either side, degrees.
        flip: Mirror half of the cells.
        scale: Maximum relative change of size (0.1: 90 to 110 %).
        shift: Maximum shift, as a fraction of the side.
        brightness: Maximum relative change of brightness.
        color: Maximum relative change of each color channel, on the cell's pixels.
        blur: Maximum standard deviation of a Gaussian blur, pixels.
    """

    rotate: float = 180.0
    flip: bool = True
    scale: float = 0.0
    shift: float = 0.02
    brightness: float = 0.1
    color: float = 0.05
    blur: float = 0.0

    def rules(self) -> Rules:
        """Conditions on the settings."""
        gains = (self.shift, self.brightness, self.color)
        return [
            (0 <= self.rotate <= 180, "augment.rotate: from 0 to 180"),
            (0 <= self.scale < 0.9, "augment.scale: from 0 to below 0.9"),
            (
                min(gains) >= 0 and max(gains) < 1,
                "augment: shift, brightness, color from 0 to below 1",
            ),
            (0 <= self.blur <= 20, "augment.blur: from 0 to 20"),
        ]


@dataclass(frozen=True)
class Loss:
    """Binary cross-entropy, with class weights, penalties and label smoothing.

    Attributes:
        class_weights: "none", "balanced" (the same total weight for both classes), or a weight per
            class name.
        l1: Penalty on the sum of absolute kernel weights.
        l2: Penalty on the sum of squared kernel weights.
        penalized: Kernels that are penalized: "all", or those of the "head" only.
        smoothing: Label smoothing; targets become smoothing/2 and 1 - smoothing/2.
    """

    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    l1: float = 0.0
    l2: float = 0.0
    penalized: Literal["all", "head"] = "all"
    smoothing: float = 0.0

    def rules(self) -> Rules:
        """Conditions on the settings."""
        equal = {"ALL": 1.0, "HEM": 1.0}
        weights = self.class_weights if isinstance(self.class_weights, dict) else equal
        return [
            (
                self.l1 >= 0 and self.l2 >= 0 and 0 <= self.smoothing < 1,
                "loss: l1 and l2 not negative, smoothing from 0 to below 1",
            ),
            (
                weights.keys() == equal.keys() and min(weights.values()) > 0,
                "loss.class_weights: none, balanced, or {ALL: x, HEM: y} above 0",
            ),
        ]


@dataclass(frozen=True)
class Optimizer:
    """The optimizer.

    Attributes:
        name: The algorithm, as in PyTorch.
        learning_rate: Learning rate at the start, or after the warm-up.
        weight_decay: Decay of the weights per step.
        clip: Maximum norm of the gradient; 0 for no limit.
    """

    name: Literal["adam", "adamw", "sgd", "adamax", "rmsprop"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip: float = 1.0

    def rules(self) -> Rules:
        """Conditions on the settings."""
        return [
            (self.learning_rate > 0, "optimizer.learning_rate: above 0"),
            (
                self.clip >= 0 and self.weight_decay >= 0,
                "optimizer: clip and weight_decay not negative",
            ),
        ]


@dataclass(frozen=True)
class Schedule:
    """The learning rate schedule.

    Attributes:
        name: "constant", "cosine" (to 1 % over all epochs) or "plateau".
        warmup: Number of epochs of linear warm-up.
        factor: Factor of the rate on a plateau.
        patience: Number of epochs without a better monitored value that make a plateau.
    """

    name: Literal["constant", "cosine", "plateau"] = "plateau"
    warmup: int = 0
    factor: float = 0.3
    patience: int = 2

    def rules(self) -> Rules:
        """Conditions on the settings."""
        return [
            (0 < self.factor < 1, "schedule.factor: between 0 and 1"),
            (self.warmup >= 0 and self.patience >= 0, "schedule: warmup, patience from 0"),
        ]


@dataclass(frozen=True)
class Fit:
    """The training loop.

    Attributes:
        epochs: Maximum number of epochs.
        batch_size: Cells per step, over all processes together.
        patience: Stop after this number of epochs without a better monitored value.
        monitor: Metric on validation persons that decides which epoch is kept.
        sampling: "natural" (every cell once per epoch), "class" or "person" (drawn so that classes,
            or persons within classes, are equally frequent).
        precision: "auto" (a probe of a few steps chooses bf16 or fp32, and the order of axes in
            memory), "bf16" or "fp32" (with channels last, without a probe).
    """

    epochs: int = 30
    batch_size: int = 32
    patience: int = 4
    monitor: Monitor = "auroc"
    sampling: Literal["natural", "class", "person"] = "natural"
    precision: Literal["auto", "bf16", "fp32"] = "auto"

    def rules(self) -> Rules:
        """Conditions on the settings."""
        counts = (self.epochs, self.batch_size, self.patience)
        return [(min(counts) > 0, "fit: whole numbers above 0")]


@dataclass(frozen=True)
class Stage:
    """A stage of a training: which weights train, how fast and how long.

    Attributes:
        train: "all", the "head" only, or {last: N}: the head and the last N blocks of the trunk.
        epochs: Maximum number of epochs; 0 for `fit.epochs`.
        learning_rate: One rate, or {backbone: x, head: y}; 0 for `optimizer.learning_rate`.
        patience: Begin the next stage after this number of epochs without a better monitored value;
            0 for `fit.patience`.
        layer_decay: Learning rate of each block of the trunk, relative to that of the next block.
    """

    train: Literal["all", "head"] | dict[str, int] = "all"
    epochs: int = 0
    learning_rate: float | dict[str, float] = 0.0
    patience: int = 0
    layer_decay: float = 1.0

    def rules(self) -> Rules:
        """Conditions on the settings."""
        rate = self.learning_rate
        rates = rate if isinstance(rate, dict) else {"backbone": rate or 1.0, "head": rate or 1.0}
        last = self.train if isinstance(self.train, dict) else {"last": 1}
        return [
            (
                last.keys() == {"last"} and last["last"] > 0,
                "stages: train is all, head, or {last: N} with N above 0",
            ),
            (
                rates.keys() == {"backbone", "head"} and min(rates.values()) > 0,
                "stages: learning_rate is a number, or {backbone: x, head: y}, above 0",
            ),
            (min(self.epochs, self.patience) >= 0, "stages: epochs, patience from 0"),
            (0 < self.layer_decay <= 1, "stages: layer_decay above 0, at most 1"),
        ]


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
