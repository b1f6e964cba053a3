"""A recipe: all settings of a training run, read from YAML into frozen, validated dataclasses.

A run writes the recipe it used, whole, so that any figure can be traced to its settings and
trained again.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from leukoscope.core.errors import RecipeError
from leukoscope.core.files import write_text
from leukoscope.core.renamed import current_name, current_names
from leukoscope.core.yaml_files import read_yaml
from leukoscope.models.recipe.conversion import build
from leukoscope.models.recipe.estimator_settings import WHOLE_FRAME, Classical, read_classical
from leukoscope.models.recipe.rules import check_ranges, last_side
from leukoscope.models.recipe.settings import (
    Augment,
    Fit,
    Input,
    Loss,
    Monitor,
    Network,
    Optimizer,
    Schedule,
    Stage,
)

__all__ = [
    "Augment",
    "Fit",
    "Input",
    "Loss",
    "Monitor",
    "Network",
    "Optimizer",
    "Recipe",
    "Schedule",
    "Stage",
    "from_dict",
    "last_side",
    "read_recipe",
    "recipe_names",
    "setting_names",
    "write_recipe",
]

CLASSICAL_GROUPS = ("name", "summary", "input", "classical")


@dataclass(frozen=True)
class Recipe:
    """Everything a run needs besides the data, the split and the seed.

    Without `stages` a training has one, with what `fit` and `optimizer` say. With `classical` an
    estimator is trained on measured descriptors, and of the other groups only `input` has a
    meaning.
    """

    name: str
    summary: str = ""
    network: Network = field(default_factory=Network)
    input: Input = field(default_factory=Input)
    augment: Augment = field(default_factory=Augment)
    loss: Loss = field(default_factory=Loss)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    fit: Fit = field(default_factory=Fit)
    stages: tuple[Stage, ...] = ()
    classical: Classical | None = None

    def __post_init__(self) -> None:
        check_ranges(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars, for YAML and the model card."""
        tree = _plain(dataclasses.asdict(self))
        if self.classical:
            return {name: tree[name] for name in CLASSICAL_GROUPS}
        del tree["classical"]
        return tree

    def with_settings(self, settings: Mapping[str, Any]) -> "Recipe":
        """The recipe with fields replaced by dotted name.

        {"loss.l2": 1e-4} sets a field of a group, {"stages.0.epochs": 2} one of a stage.

        Raises:
            RecipeError: No such field, or a value it cannot take.
        """
        tree = self.to_dict()
        for name, value in settings.items():
            *groups, last = current_name(name).split(".")
            branch = tree
            for group in groups:
                branch = _below(branch, group)
            if not isinstance(branch, dict) or last not in branch:
                raise RecipeError(
                    f"recipe {self.name}: no setting {name!r}. Settings: "
                    f"{', '.join(setting_names(self))}."
                )
            branch[last] = value
        return from_dict(tree)


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    names = [entry.name for entry in _packaged().iterdir()]
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def _packaged() -> Traversable:
    return resources.files("leukoscope.models") / "recipes"


def setting_names(recipe: Recipe | None = None) -> list[str]:
    """Every dotted setting of a recipe; of one that trains a network if none is given."""
    return [
        f"{group}.{name}"
        for group, fields in (recipe or Recipe("any")).to_dict().items()
        if isinstance(fields, dict)
        for name in fields
    ]


def read_recipe(name: str | Path) -> Recipe:
    """Read a recipe that comes with the package, by name, or a YAML file, by path.

    Raises:
        RecipeError: No such recipe, not YAML, an unknown field or a value out of range; names the
            field.
    """
    path = Path(name)
    source: Traversable = path
    if str(name) in recipe_names():
        source = _packaged() / f"{name}.yaml"
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


def from_dict(tree: Mapping[str, Any]) -> Recipe:
    """Build a recipe from plain dicts, strictly."""
    if not isinstance(tree.get("name"), str):
        raise RecipeError("a recipe needs a name: 'name: my-recipe'.")
    where = f"recipe {tree['name']}"
    tree = current_names(tree)
    if "classical" in tree:
        strange = [str(name) for name in tree if name not in CLASSICAL_GROUPS]
        if strange:
            raise RecipeError(
                f"{where}: has classical and so no {strange[0]}; its settings: "
                f"{', '.join(CLASSICAL_GROUPS)}."
            )
        measured = {"classical": read_classical(tree["classical"], where)}
        tree = {"input": dataclasses.asdict(WHOLE_FRAME), **tree, **measured}
    recipe: Recipe = build(Recipe, tree, where)
    return recipe


def _below(branch: Any, name: str) -> Any:
    """The field of a group, or the entry of a list; {} where there is none."""
    if isinstance(branch, dict):
        return branch.get(name, {})
    known = isinstance(branch, list) and name.isdecimal() and int(name) < len(branch)
    return branch[int(name)] if known else {}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, tuple | list) else value
