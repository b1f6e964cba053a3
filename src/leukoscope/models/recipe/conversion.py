"""Build dataclasses from plain dicts, strictly: unknown names and wrong types are refused."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from leukoscope.core.errors import RecipeError

EXPECTED = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}


def build(cls: Any, tree: Any, where: str, prefix: str = "") -> Any:
    """An object of the dataclass `cls`, fields of fields included.

    Args:
        cls: The dataclass; its fields are dataclasses, scalars, `Literal`s, tuples (of dataclasses
            as well), or a word, a number, or a number per name.
        tree: Names and values, as YAML gives them.
        where: What is being read, for messages.
        prefix: Dotted names above this level, with a dot at the end.

    Raises:
        RecipeError: Not a mapping, an unknown name, or a value of another type; names the field.
    """
    if not isinstance(tree, Mapping):
        place = ": ".join(filter(None, (where, prefix.rstrip("."))))
        raise RecipeError(f"{place} must hold settings of its own, got {tree!r}.")
    hints = typing.get_type_hints(cls)
    unknown = [str(name) for name in tree if name not in hints]
    if unknown:
        raise RecipeError(
            f"{where}: unknown setting {prefix}{unknown[0]}; known here: {', '.join(hints)}."
        )
    values = {}
    for name, value in tree.items():
        hint = hints[name]
        if dataclasses.is_dataclass(value):  # built already
            values[name] = value
        elif dataclasses.is_dataclass(hint):
            values[name] = build(hint, value, where, f"{prefix}{name}.")
        else:
            values[name] = convert(hint, value, f"{where}: {prefix}{name}")
    return cls(**values)


def convert(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type `hint`, or a RecipeError that says what is expected."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return build(hint, value, where)
    if origin in (typing.Union, types.UnionType):  # one value, or one per name
        choice = next(
            c for c in arguments if (typing.get_origin(c) is dict) == isinstance(value, dict)
        )
        return convert(choice, value, where)
    if origin is Literal:
        if value in arguments and not isinstance(value, bool):
            return value
        raise RecipeError(f"{where} is {value!r}; choose one of {', '.join(map(str, arguments))}.")
    if origin is tuple and not isinstance(value, dict):
        entries = value if isinstance(value, list | tuple) else [value]  # one stands for a list
        return tuple(convert(arguments[0], entry, where) for entry in entries)
    if origin is dict and isinstance(value, dict):
        return {str(key): convert(arguments[1], entry, where) for key, entry in value.items()}
    if hint is float and (number := _finite(value)) is not None:
        return number
    if hint in (bool, int, str) and type(value) is hint:
        return value
    raise RecipeError(f"{where} is {value!r}; expected {EXPECTED.get(hint, 'a list of values')}.")


def _finite(value: Any) -> float | None:
    """A finite number, also from text: YAML reads 1e-3 as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
