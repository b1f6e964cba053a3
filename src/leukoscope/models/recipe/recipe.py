"""Recipes: all settings of a training, read from YAML into frozen, validated dataclasses.

A recipe trains either a network (`NetworkRecipe`) or an estimator of classical machine learning
(`EstimatorRecipe`). A run writes the complete recipe it used, so that every result can be traced to
its settings and reproduced.
"""

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

from leukoscope.core.dataclass_reader import plain
from leukoscope.core.errors import RecipeError
from leukoscope.core.files import write_text
from leukoscope.core.renamed import current_name, current_names, current_value
from leukoscope.core.yaml_files import read_yaml
from leukoscope.models.estimators.base import ESTIMATORS, Estimator
from leukoscope.models.network.settings import Network
from leukoscope.models.recipe.settings import (
    WHOLE_FRAME,
    Augment,
    Fit,
    Input,
    Loss,
    Monitor,
    Optimizer,
    Rules,
    Schedule,
    Stage,
    read_settings,
)

NAME = re.compile(r"\w[\w.-]{0,99}")
DESCRIPTORS_UNSCALED = "input: size = crop, as descriptors are measured in original pixels"


@dataclass(frozen=True)
class Recipe(ABC):
    """Settings common to all recipes: everything a run needs besides data, split and seed.

    Attributes:
        name: Name of the recipe, and part of the default name of a run folder.
        summary: One sentence for `leukoscope recipes` and the model card.
        input: The part of each image that the model is given.
    """

    name: str
    summary: str = ""
    input: Input = field(default_factory=Input)

    def __post_init__(self) -> None:
        name = (NAME.fullmatch(self.name), "name: letters, digits, '.', '_', '-'")
        for holds, rule in [name, *self.input.rules(), *self.rules()]:
            if not holds:
                raise RecipeError(f"recipe {self.name!r}: out of range; {rule}.")

    @property
    @abstractmethod
    def monitor(self) -> Monitor:
        """The metric on validation persons that chooses the best epoch or settings."""

    @property
    @abstractmethod
    def default_space(self) -> dict[str, Any]:
        """The search space of `leukoscope tune` for this kind of recipe, not yet read."""

    @abstractmethod
    def rules(self) -> Rules:
        """Conditions on the settings of this kind of recipe."""

    @classmethod
    @abstractmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Self:
        """Build a recipe of this kind from plain dicts with current names, strictly."""

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars, for YAML and the model card."""
        tree: dict[str, Any] = plain(self)
        return tree

    def setting_names(self) -> list[str]:
        """The dotted names of all settings, as in "fit.epochs"."""
        return [
            f"{group}.{name}"
            for group, settings in self.to_dict().items()
            if isinstance(settings, dict)
            for name in settings
        ]

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """The recipe with settings replaced by dotted name.

        {"loss.l2": 1e-4} sets a field of a group, {"stages.0.epochs": 2} one of a stage.

        Raises:
            RecipeError: An unknown setting, or an invalid value.
        """
        tree = self.to_dict()
        for name, value in settings.items():
            path = current_name(name)
            *groups, last = path.split(".")
            branch = tree
            for group in groups:
                branch = _below(branch, group)
            if not isinstance(branch, dict) or last not in branch:
                raise RecipeError(
                    f"recipe {self.name}: no setting {name!r}. Settings: "
                    f"{', '.join(self.setting_names())}."
                )
            branch[last] = current_value(path, value)
        return type(self).from_dict(tree)


@dataclass(frozen=True)
class NetworkRecipe(Recipe):
    """Settings of the training of a network.

    Without `stages` the training has one stage, with the settings of `fit` and `optimizer`.
    """

    network: Network = field(default_factory=Network)
    augment: Augment = field(default_factory=Augment)
    loss: Loss = field(default_factory=Loss)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    fit: Fit = field(default_factory=Fit)
    stages: tuple[Stage, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars, in the order of recipe files, which keys of runs hash."""
        tree = super().to_dict()
        return {**{name: tree[name] for name in ("name", "summary", "network")}, **tree}

    @property
    def monitor(self) -> Monitor:
        """The metric on validation persons that decides which epoch is kept."""
        return self.fit.monitor

    @property
    def default_space(self) -> dict[str, Any]:
        """The search space that comes with the package, with or without stages."""
        file = f"{'stages' if self.stages else 'network'}.yaml"
        space: dict[str, Any] = read_yaml(_packaged("spaces") / file, file, RecipeError)
        return space

    def rules(self) -> Rules:
        """Conditions on the settings of network, loss, optimizer, augmentation and stages."""
        return [
            *self.network.rules(self.input.size),
            *self.augment.rules(),
            *self.loss.rules(),
            *self.optimizer.rules(),
            *self.schedule.rules(),
            *self.fit.rules(),
            *(rule for stage in self.stages for rule in stage.rules()),
        ]

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Self:
        """Build the recipe from plain dicts with current names, strictly."""
        return read_settings(cls, tree, _where(tree))


@dataclass(frozen=True)
class EstimatorRecipe(Recipe):
    """Settings of the training of an estimator, on measurements of the cell instead of pixels."""

    input: Input = WHOLE_FRAME
    classical: Estimator = field(kw_only=True)

    @property
    def monitor(self) -> Monitor:
        """The metric by which candidates of settings are compared."""
        return "auroc"

    @property
    def default_space(self) -> dict[str, Any]:
        """The search space of the estimator."""
        return {f"classical.{name}": values for name, values in self.classical.SPACE.items()}

    def rules(self) -> Rules:
        """Conditions on the input and on the settings of the estimator."""
        return [
            (self.input.size == self.input.crop, DESCRIPTORS_UNSCALED),
            *self.classical.input_rules(self.input.size),
            *self.classical.rules(),
        ]

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Self:
        """Build the recipe from plain dicts with current names, strictly."""
        where, known = _where(tree), [field.name for field in dataclasses.fields(cls)]
        if unknown := [str(name) for name in tree if name not in known]:
            raise RecipeError(
                f"{where}: has classical, so {unknown[0]} is not allowed; its settings: "
                f"{', '.join(known)}."
            )
        classical = read_estimator(tree["classical"], where)
        side = {"crop": classical.SIDE, "size": classical.SIDE}
        return read_settings(cls, {"input": side, **tree, "classical": classical}, where)


def read_estimator(tree: Any, where: str) -> Estimator:
    """The settings under `classical` of a recipe.

    Args:
        tree: Names and values, as YAML gives them.
        where: The source, for messages.

    Raises:
        RecipeError: No or an unknown estimator, an unknown setting, or an invalid value.
    """
    name = tree.get("estimator") if isinstance(tree, Mapping) else None
    if not isinstance(name, str) or name not in ESTIMATORS:
        raise RecipeError(
            f"{where}: classical.estimator is {name!r}; choose one of {', '.join(ESTIMATORS)}."
        )
    return read_settings(ESTIMATORS[name], tree, where, "classical")


def recipe_names() -> list[str]:
    """The names of the recipes that come with the package."""
    names = [entry.name for entry in _packaged("recipes").iterdir()]
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def _packaged(folder: str) -> Traversable:
    return resources.files("leukoscope.models") / folder


def read_recipe(name: str | Path) -> NetworkRecipe | EstimatorRecipe:
    """Read a recipe that comes with the package, by name, or a YAML file, by path.

    Raises:
        RecipeError: No such recipe, not YAML, an unknown field or a value out of range; names the
            field.
    """
    path = Path(name)
    source: Traversable = path
    if str(name) in recipe_names():
        source = _packaged("recipes") / f"{name}.yaml"
    elif path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise RecipeError(
            f"no recipe {str(name)!r}: choose one of {', '.join(recipe_names())}, "
            "or name a .yaml file."
        )
    tree = read_yaml(source, str(name), RecipeError)
    if not isinstance(tree, dict):
        raise RecipeError(f"{name}: a recipe is a list of settings, 'name: value' on each line.")
    return from_dict(tree)


def write_recipe(recipe: Recipe, path: Path | str) -> None:
    """Write all settings as YAML, atomically."""
    import yaml

    write_text(path, yaml.safe_dump(recipe.to_dict(), sort_keys=False, allow_unicode=True))


def from_dict(tree: Mapping[str, Any]) -> NetworkRecipe | EstimatorRecipe:
    """Build a recipe from plain dicts, strictly; with `classical` it is an estimator's.

    Raises:
        RecipeError: No name, an unknown field or an invalid value; names the field.
    """
    if not isinstance(tree.get("name"), str):
        raise RecipeError("a recipe needs a name: 'name: my-recipe'.")
    tree = current_names(tree)
    return (EstimatorRecipe if "classical" in tree else NetworkRecipe).from_dict(tree)


def _where(tree: Mapping[str, Any]) -> str:
    return f"recipe {tree.get('name')}"


def _below(branch: Any, name: str) -> Any:
    """The field of a group, or the entry of a list; {} if there is none."""
    if isinstance(branch, dict):
        return branch.get(name, {})
    known = isinstance(branch, list) and name.isdecimal() and int(name) < len(branch)
    return branch[int(name)] if known else {}
