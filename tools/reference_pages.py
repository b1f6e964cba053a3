"""The generated parts of the reference: functions, commands, settings of recipes.

The documentation build inserts each where a page has `<!-- generated: NAME -->`.
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import typer

import leukoscope as ls
from leukoscope.cli.main import app
from leukoscope.models.estimators.base import ESTIMATORS
from leukoscope.models.network.settings import Network
from leukoscope.models.recipe.recipe import (
    EstimatorRecipe,
    NetworkRecipe,
    read_recipe,
    recipe_names,
)
from leukoscope.models.recipe.settings import (
    Augment,
    Fit,
    Input,
    Loss,
    Optimizer,
    Schedule,
    Stage,
)

GROUPS = {
    "input": Input,
    "network": Network,
    "augment": Augment,
    "loss": Loss,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "fit": Fit,
    "stages": Stage,
}
ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+?)(?=^ {4}\w+: |\Z)", re.M | re.S)


def functions() -> str:
    """A directive of mkdocstrings for each public name."""
    parts = []
    for name in sorted(set(ls.__all__) - {"__version__"}, key=str.lower):
        target = getattr(ls, name)
        place = f"{target.__module__}.{target.__qualname__}"
        parts.append(f"### `{name}`\n\n::: {place}\n")
    return "\n".join(parts)


def commands() -> str:
    """Each command with its help, arguments and options."""
    return "\n".join(_command(words, command) for words, command in all_commands())


def all_commands() -> list[tuple[str, Any]]:
    """All commands that are not hidden, by their words."""

    def below(command: Any, words: str) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield words, command
        for name, sub in (inner or {}).items():
            if not sub.hidden:
                yield from below(sub, f"{words} {name}")

    return list(below(typer.main.get_command(app), "leukoscope"))


def _command(words: str, command: Any) -> str:
    lines = [f"## `{words}`", "", inspect.cleandoc(command.help or ""), ""]
    lines += ["| argument or option | default | meaning |", "|---|---|---|"]
    for parameter in command.params:
        lines.append(f"| {_names(parameter)} | {_default(parameter)} | {_meaning(parameter)} |")
    return "\n".join([*lines, ""])


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_cell(parameter.metavar or parameter.name.upper())}`"
    value = "" if getattr(parameter, "is_flag", False) else f" {parameter.metavar or 'VALUE'}"
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{_cell(name + value)}`" for name in names)


def _default(parameter: Any) -> str:
    shown = getattr(parameter, "show_default", None)
    value = shown if isinstance(shown, str) else parameter.default
    if value is None or value is False or callable(value) or value in ([], ()):
        return ""
    return f"`{_cell(str(value))}`"


def _meaning(parameter: Any) -> str:
    return _cell(getattr(parameter, "help", None) or "")


def settings() -> str:
    """The settings of each group, with their defaults, and the recipes of the package."""
    tables = [_table(name, group) for name, group in GROUPS.items()]
    tables += [_table(f"classical of {name}", kind) for name, kind in sorted(ESTIMATORS.items())]
    return "\n".join([*tables, _recipes()])


def setting_names() -> set[str]:
    """The settings of all recipes of the package, as `--set` takes them."""
    return {
        name
        for recipe in map(read_recipe, recipe_names())
        for name in recipe.setting_names()
        if isinstance(recipe, NetworkRecipe | EstimatorRecipe)
    }


def _table(title: str, group: type) -> str:
    prefix = title.partition(" ")[0]
    prefix = "stages.N" if prefix == "stages" else prefix
    meanings: dict[str, str] = {}
    for kind in reversed(group.__mro__):
        meanings |= dict(
            ATTRIBUTE.findall(inspect.cleandoc(kind.__doc__ or "").partition("Attributes:")[2])
        )
    lines = [f"## {title}", "", _first_paragraph(group), ""]
    lines += ["| setting | default | meaning |", "|---|---|---|"]
    for field in dataclasses.fields(group):
        meaning = _cell(" ".join(meanings.get(field.name, "").split()))
        lines.append(f"| `{prefix}.{field.name}` | `{_value(field)}` | {meaning} |")
    return "\n".join([*lines, ""])


def _first_paragraph(group: type) -> str:
    return " ".join(inspect.cleandoc(group.__doc__ or "").partition("\n\n")[0].split())


def _value(field: Any) -> str:
    value = field.default
    if value is dataclasses.MISSING:
        made = field.default_factory
        value = "" if made is dataclasses.MISSING else made()
    value = list(value) if isinstance(value, tuple) else value
    return _cell(str(value))


def _recipes() -> str:
    lines = ["## The recipes of the package", "", "| recipe | summary |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(read_recipe(name).summary)} |" for name in recipe_names()]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PARTS: dict[str, Callable[[], str]] = {
    "functions": functions,
    "commands": commands,
    "settings": settings,
}
