"""Search spaces: the settings of a recipe that a study varies, and the values it tries.

In YAML a setting has a range, `{low: 1e-6, high: 1e-3, log: true}` as in Optuna, or a list of
choices. On the command line the same is written "1e-6..1e-3:log" or "relu,gelu,silu".
"""

import json
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

from leukoscope.core.errors import RecipeError
from leukoscope.core.renamed import current_name, current_value
from leukoscope.core.several import several
from leukoscope.core.yaml_files import read_yaml
from leukoscope.models.recipe.recipe import Recipe
from leukoscope.models.recipe.settings import read_settings

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"\s*({NUMBER})\s*\.\.\s*({NUMBER})\s*(?::(\w+))?\s*")
SYNTAX = (
    "write a range, as in 1e-6..1e-3:log or {low: 0, high: 0.6}, or choices, as in relu,gelu or "
    "[relu, gelu]"
)
COMBINATIONS = 1000  # at most, to find one that a value is valid in
FIXED = ("name", "summary", "fit.monitor")  # these do not influence how well a training goes


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`.

    Attributes:
        low: Smallest value.
        high: Largest value.
        log: Sample uniformly on a logarithmic scale.
        whole: The setting takes integers only.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __str__(self) -> str:
        """The range as one writes it on the command line."""
        return f"{self.low!r}..{self.high!r}{':log' if self.log else ''}"


@dataclass(frozen=True)
class Choice:
    """One of several values, of any type that a setting can have."""

    values: tuple[Any, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """A distinct text for each value."""
        return tuple(label(value) for value in self.values)

    def __str__(self) -> str:
        """The choices, separated by commas."""
        return ", ".join(self.labels)


Vary = Range | Choice
Space = Mapping[str, Vary]


def label(value: Any) -> str:
    """A value as one writes it in a recipe."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def read_space(tree: Mapping[str, Any], recipe: Recipe) -> Space:
    """Read a search space and make sure that the recipe can take every value in it.

    Args:
        tree: Ranges and choices by the dotted name of the setting.
        recipe: The recipe that is varied.

    Raises:
        RecipeError: Neither a range nor choices, no such setting, or a value that is invalid with
            any values of the other settings; names the setting.
    """
    if not tree:
        raise RecipeError(f"nothing to vary; {SYNTAX}.")
    named = {current_name(str(name)): given for name, given in tree.items()}
    space = {name: _parsed(name, given, recipe) for name, given in named.items()}
    _check_values(space, recipe)
    return space


def read_space_file(path: Path | str) -> dict[str, Any]:
    """Ranges and choices of a YAML file, for `read_space`.

    Raises:
        RecipeError: No such file, or not a mapping in YAML.
    """
    tree = read_yaml(Path(path), str(path), RecipeError)
    if not isinstance(tree, dict):
        raise RecipeError(
            f"{path}: a search space has a setting on each line, as in "
            "'network.dropout: {low: 0, high: 0.6}'."
        )
    return tree


def plain(space: Space) -> dict[str, Any]:
    """The space as names, choices and ranges in text form; `read_space` reads it back."""
    return {
        name: list(vary.values) if isinstance(vary, Choice) else str(vary)
        for name, vary in space.items()
    }


def _parsed(name: str, given: Any, recipe: Recipe) -> Vary:
    if name in FIXED:
        raise RecipeError(f"{name} cannot be varied; --objective sets the metric.")
    whole = _is_whole(name, recipe)
    if isinstance(given, str) and (match := RANGE.fullmatch(given)):
        if match[3] not in (None, "log"):
            raise RecipeError(f"{name}: {match[3]!r} is not a kind of range; the only one is :log.")
        given = {"low": match[1], "high": match[2], "log": match[3] == "log"}
    if isinstance(given, Mapping):
        return _range(name, given, whole)
    values = _split(name, given) if isinstance(given, str) else list(several(given))
    choice = Choice(tuple(current_value(name, values)))
    if len(choice.values) < 2 or len(set(choice.labels)) < len(choice.values):
        raise RecipeError(
            f"{name}: {_short(given)} is neither a range nor two or more values; {SYNTAX}."
        )
    return choice


def _range(name: str, given: Mapping[str, Any], whole: bool) -> Range:
    if given.keys() - {"low", "high", "log"}:
        raise RecipeError(f"{name}: a range has low, high and log, not {_short(given)}.")
    found = read_settings(Range, given, name)
    if not found.low < found.high:
        raise RecipeError(f"{name}: {found}: the first number must be the smaller.")
    if found.log and found.low <= 0:
        raise RecipeError(f"{name}: {found}: a logarithmic range begins above 0.")
    if not whole:
        return found
    if not (found.low.is_integer() and found.high.is_integer()):
        raise RecipeError(f"{name}: {found}: the setting takes whole numbers.")
    return Range(int(found.low), int(found.high), found.log, whole=True)


def _split(name: str, text: Any) -> list[Any]:
    """Choices as they are written on a command line: a YAML list without its brackets."""
    import yaml

    try:
        values = yaml.safe_load(f"[{text}]")
        if not isinstance(values, list):
            raise ValueError
    except (ValueError, RecursionError, yaml.YAMLError):
        raise RecipeError(f"{name}: {_short(text)} cannot be read; {SYNTAX}.") from None
    return values


def _is_whole(name: str, recipe: Recipe) -> bool:
    """True if a setting takes integers only.

    Raises:
        RecipeError: No such setting.
    """
    owner: Any = recipe
    *groups, last = name.split(".")
    try:
        for group in groups:
            owner = _inside(owner, group)
        hint = (
            type(owner[last])
            if isinstance(owner, dict)
            else typing.get_type_hints(type(owner))[last]
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        recipe.with_settings({name: None})  # whose message lists the settings
        raise RecipeError(f"recipe {recipe.name}: no setting {name!r}.") from None
    return int in (hint, *typing.get_args(hint))


def _inside(owner: Any, name: str) -> Any:
    """The group, entry of a list, or value of that name."""
    if isinstance(owner, tuple):
        return owner[int(name)]
    return owner[name] if isinstance(owner, dict) else getattr(owner, name)


def _ends(vary: Vary) -> Sequence[Any]:
    return vary.values if isinstance(vary, Choice) else (vary.low, vary.high)


def _check_values(space: Space, recipe: Recipe) -> None:
    """Try each value alone, and if that fails, together with values of the other settings."""
    for name, vary in space.items():
        for value in _ends(vary):
            try:
                recipe.with_settings({name: value})
            except RecipeError as error:
                if not any(_is_valid(recipe, {name: value} | o) for o in _others(space, name)):
                    raise RecipeError(f"{name} cannot be {label(value)}: {error}") from None


def _others(space: Space, name: str) -> Iterator[dict[str, Any]]:
    rest = {other: _ends(vary) for other, vary in space.items() if other != name}
    combined = islice(product(*rest.values()), COMBINATIONS) if rest else iter(())
    return (dict(zip(rest, values, strict=True)) for values in combined)


def _is_valid(recipe: Recipe, settings: Mapping[str, Any]) -> bool:
    try:
        recipe.with_settings(settings)
    except RecipeError:
        return False
    return True


def _short(given: Any) -> str:
    return repr(given if len(repr(given)) < 80 else f"{str(given)[:70]}...")
