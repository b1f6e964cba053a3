"""A search space: which settings of a recipe a study tries, and which values of each.

It is data. A setting has a range, "1e-6..1e-3:log", or choices, "relu,gelu,silu" or a list; a file
of them is YAML, and so are the spaces that come with the package, one for each kind of recipe.
"""

import json
import math
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import islice, product
from pathlib import Path
from typing import Any

from leukoscope.core.errors import RecipeError
from leukoscope.core.renamed import current_name
from leukoscope.core.yaml_files import read_yaml
from leukoscope.models.recipe.recipe import EstimatorRecipe, NetworkRecipe, Recipe

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"\s*({NUMBER})\s*\.\.\s*({NUMBER})\s*(?::(\w+))?\s*")
HOW_TO_WRITE = "write a range, as in 1e-6..1e-3:log or 0..0.6, or choices, as in relu,gelu"
COMBINATIONS = 1000  # tried at most to find one that a value fits into
FIXED = ("name", "summary", "fit.monitor")  # these have no say in how well a training goes


@dataclass(frozen=True)
class Range:
    """Every number from `low` to `high`.

    Attributes:
        low: The least.
        high: The greatest.
        log: Draw evenly over the logarithm.
        whole: Whole numbers alone.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Choice:
    """One of several values, of any kind that a setting can have."""

    values: tuple[Any, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """A distinct text for each value."""
        return tuple(label(value) for value in self.values)


Vary = Range | Choice
Space = Mapping[str, Vary]


def label(value: Any) -> str:
    """A value as one writes it in a recipe."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def read_space(texts: Mapping[str, Any], recipe: Recipe) -> Space:
    """Read a search space and make sure that the recipe can take every value in it.

    Args:
        texts: Dotted name of a setting to a range or choices.
        recipe: What is to be varied.

    Raises:
        RecipeError: Not a range and no choices, no such setting, or a value that it cannot take
            together with any of the others; names the setting.
    """
    if not texts:
        raise RecipeError(f"nothing to vary; {HOW_TO_WRITE}.")
    named = {current_name(str(name)): text for name, text in texts.items()}
    space = {name: _parsed(name, text, recipe) for name, text in named.items()}
    _check_values(space, recipe)
    return space


def default_space(recipe: Recipe) -> dict[str, Any]:
    """What is varied in a recipe of this kind unless somebody says otherwise; not yet read."""
    kind = "network"
    if isinstance(recipe, EstimatorRecipe):
        kind = recipe.classical.estimator
    elif isinstance(recipe, NetworkRecipe) and recipe.stages:
        kind = "stages"
    found = resources.files("leukoscope.models") / "spaces" / f"{kind}.yaml"
    return _mapping(found, str(found))


def read_space_file(path: Path | str) -> dict[str, Any]:
    """The names and texts of a YAML file; not yet read.

    Raises:
        RecipeError: There is no such file, or it is not YAML of that form.
    """
    return _mapping(Path(path), str(path))


def plain(space: Space) -> dict[str, Any]:
    """A space as names and texts again, which read as the same."""
    return {
        name: list(vary.values)
        if isinstance(vary, Choice)
        else f"{vary.low!r}..{vary.high!r}{':log' if vary.log else ''}"
        for name, vary in space.items()
    }


def _mapping(source: Traversable, where: str) -> dict[str, Any]:
    tree = read_yaml(source, where, RecipeError)
    if not isinstance(tree, dict):
        raise RecipeError(
            f"{where}: a search space has a setting on each line, as in 'network.dropout: 0..0.6'."
        )
    return tree


def _parsed(name: str, text: Any, recipe: Recipe) -> Vary:
    if name in FIXED:
        raise RecipeError(f"{name} cannot be varied; the figure to go by is set by --objective.")
    whole = _is_whole(name, recipe)
    if isinstance(text, str) and (found := RANGE.fullmatch(text)):
        return _range(name, found, whole)
    values = tuple(text if isinstance(text, list | tuple) else _split(name, text))
    choice = Choice(values)
    if len(values) < 2 or len(set(choice.labels)) < len(values):
        raise RecipeError(
            f"{name}: {_short(text)} is neither a range nor two or more values; {HOW_TO_WRITE}."
        )
    return choice


def _range(name: str, found: re.Match[str], whole: bool) -> Range:
    low, high = float(found[1]), float(found[2])
    log = found[3] == "log"
    if found[3] and not log:
        raise RecipeError(f"{name}: {found[3]!r} is no kind of range; the only one is :log.")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise RecipeError(f"{name}: {found[0].strip()}: the first number must be the smaller.")
    if log and low <= 0:
        raise RecipeError(f"{name}: {found[0].strip()}: a range with :log begins above 0.")
    if whole and not (low.is_integer() and high.is_integer()):
        raise RecipeError(f"{name}: {found[0].strip()}: the setting takes whole numbers.")
    return Range(int(low), int(high), log, True) if whole else Range(low, high, log)


def _split(name: str, text: Any) -> list[Any]:
    """Choices as they are written on a command line: a YAML list without its brackets."""
    import yaml

    try:
        values = yaml.safe_load(f"[{text}]")
        if not isinstance(values, list):
            raise ValueError
    except (ValueError, RecursionError, yaml.YAMLError):
        raise RecipeError(f"{name}: {_short(text)} cannot be read; {HOW_TO_WRITE}.") from None
    return values


def _is_whole(name: str, recipe: Recipe) -> bool:
    """Whether a setting takes whole numbers alone.

    Raises:
        RecipeError: There is no such setting.
    """
    owner: Any = recipe
    *groups, last = name.split(".")
    try:
        for group in groups:
            inside = isinstance(owner, tuple | dict)
            owner = (
                owner[int(group) if isinstance(owner, tuple) else group]
                if inside
                else (getattr(owner, group))
            )
        hint = (
            type(owner[last])
            if isinstance(owner, dict)
            else typing.get_type_hints(type(owner))[last]
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        recipe.with_settings({name: None})  # which says what there is
        raise RecipeError(f"recipe {recipe.name}: no setting {name!r}.") from None
    return int in (hint, *typing.get_args(hint))


def _ends(vary: Vary) -> Sequence[Any]:
    return vary.values if isinstance(vary, Choice) else (vary.low, vary.high)


def _check_values(space: Space, recipe: Recipe) -> None:
    """Try each value alone, and where that fails, together with values of the other settings."""
    for name, vary in space.items():
        for value in _ends(vary):
            try:
                recipe.with_settings({name: value})
            except RecipeError as error:
                if not any(
                    _fits(recipe, {name: value} | others) for others in _others(space, name)
                ):
                    raise RecipeError(f"{name} cannot be {label(value)}: {error}") from None


def _others(space: Space, name: str) -> Iterator[dict[str, Any]]:
    rest = {other: _ends(vary) for other, vary in space.items() if other != name}
    combined = islice(product(*rest.values()), COMBINATIONS) if rest else iter(())
    return (dict(zip(rest, values, strict=True)) for values in combined)


def _fits(recipe: Recipe, settings: Mapping[str, Any]) -> bool:
    try:
        recipe.with_settings(settings)
    except RecipeError:
        return False
    return True


def _short(text: Any) -> str:
    return repr(text if len(repr(text)) < 80 else f"{str(text)[:70]}...")
