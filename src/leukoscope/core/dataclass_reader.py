"""Strict reading of JSON and YAML into frozen dataclasses, for every file that may be wrong.

The dataclasses are the schema: their annotations say what a file may hold, every key must be known
and every value of the declared type, and a message names the field by its dotted path. Reading
stops at the first error: a hostile file must not be able to make a million of them.

Not pydantic: to import it and build the card's schema adds a quarter of a second to the start of a
prediction from Python, and it collects every error, so that a card of 3 MB with wrong values takes
13 seconds and 0.9 GB.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from reprlib import Repr
from typing import Any, Literal, TypeVar

from leukoscope.core.strict_json import parse_json

T = TypeVar("T")

EXPECTED = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
LONGEST = 60  # characters of a key or value that a message repeats
_shortened = Repr()
_shortened.maxstring = _shortened.maxother = _shortened.maxlong = LONGEST


class MalformedError(ValueError):
    """A file does not hold what the dataclass declares; the message names the field."""


@dataclass(frozen=True)
class Options:
    """Values that are accepted beyond the declared type.

    Attributes:
        text_numbers: A number written as text, since YAML reads 1e-3 as text.
        single_as_list: One value where a list is declared.
        null_as_nan: null where a number is declared, since JSON has no NaN.
    """

    text_numbers: bool = False
    single_as_list: bool = False
    null_as_nan: bool = False


STRICT = Options()
HANDWRITTEN = Options(text_numbers=True, single_as_list=True)
RECORD = Options(null_as_nan=True)


def parse_object(text: str, what: str) -> dict[str, Any]:
    """Parse one JSON object.

    Args:
        text: JSON text.
        what: The name of the text in messages.

    Raises:
        MalformedError: The text is not JSON, repeats a key, is nested too deeply, holds NaN or
            Infinity (which are not JSON), or is not an object.
    """
    try:
        value = parse_json(text)
        # Half of a surrogate pair is legal in JSON, but can be neither printed nor stored.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{what} is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise MalformedError(f"{what} must be a JSON object, got {_short(value)}")
    return value


def build(cls: type[T], tree: object, where: str = "", options: Options = STRICT) -> T:
    """Build a dataclass from a parsed JSON or YAML mapping.

    Args:
        cls: A dataclass whose fields are annotated with `int`, `float`, `str`, `bool`, `Literal`,
            `tuple[X, ...]`, `Mapping[str, X]`, `dict[str, X]`, `Any`, other dataclasses, or unions
            of these with None or of a mapping with something else. Fields with a default may be
            absent. A value that is an instance of the declared dataclass is kept.
        tree: The parsed mapping.
        where: Dotted path of the mapping, for messages.
        options: What is accepted beyond the declared types.

    Raises:
        MalformedError: A missing or unknown key, a value of another type, or a ValueError of a
            dataclass.
    """
    return typing.cast(T, _convert(cls, tree, where, options))


def plain(value: object) -> Any:
    """The JSON form of a value that `build` makes: dataclasses to dicts, tuples to lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def _convert(kind: Any, value: Any, where: str, options: Options) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, where, options)
    if origin in (typing.Union, types.UnionType):
        return _convert(_member(arguments, value), value, where, options)
    if origin is Literal:
        return _choice(arguments, value, where)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(_choice(tuple(kind), value, where))
    if origin is tuple:
        entries = _entries(value, where, options)
        return tuple(
            _convert(arguments[0], entry, f"{where}[{number}]", options)
            for number, entry in enumerate(entries)
        )
    if origin in (Mapping, dict):
        _need_mapping(value, where)
        return {
            _key(arguments[0], key, where): _convert(
                arguments[1], entry, _join(where, key), options
            )
            for key, entry in value.items()
        }
    return _scalar(kind, value, where, options)


def _dataclass(cls: Any, value: Any, where: str, options: Options) -> Any:
    if isinstance(value, cls):
        return value
    _need_mapping(value, where)
    fields = _fields(cls)
    for key in value:
        if key not in fields:
            known = ", ".join(fields)
            raise MalformedError(f"unknown field {_join(where, key)}; the fields are {known}")
    arguments = {}
    for name, (kind, required) in fields.items():
        if name in value:
            arguments[name] = _convert(kind, value[name], _join(where, name), options)
        elif required:
            raise MalformedError(f"missing field {_join(where, name)}")
    try:
        return cls(**arguments)
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError(f"{where}: {error}" if where else str(error)) from error


@cache
def _fields(cls: Any) -> dict[str, tuple[Any, bool]]:
    """For each field its type and whether it must be given."""
    hints, missing = typing.get_type_hints(cls), dataclasses.MISSING
    return {
        field.name: (
            hints[field.name],
            field.default is missing and field.default_factory is missing,
        )
        for field in dataclasses.fields(cls)
    }


def _member(kinds: tuple[Any, ...], value: Any) -> Any:
    """The member of a union that a value is meant for: by None, or by being a mapping or not."""
    if value is None and types.NoneType in kinds:
        return types.NoneType
    others = [kind for kind in kinds if kind is not types.NoneType]
    fitting = [kind for kind in others if _is_mapping(kind) == isinstance(value, Mapping)]
    return (fitting or others)[0]


def _is_mapping(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) or typing.get_origin(kind) in (Mapping, dict)


def _choice(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if isinstance(value, bool) or value not in choices:
        raise MalformedError(
            f"{where} is {_short(value)}; choose one of {', '.join(map(str, choices))}"
        )
    return value


def _entries(value: Any, where: str, options: Options) -> list[Any] | tuple[Any, ...]:
    if isinstance(value, list | tuple):
        return value
    if options.single_as_list and not isinstance(value, Mapping):
        return [value]
    raise MalformedError(f"{where} must be a list, got {_short(value)}")


def _key(kind: Any, key: Any, where: str) -> str:
    """A key of a mapping, as text, or one of several where the mapping declares them."""
    if typing.get_origin(kind) is Literal and key not in typing.get_args(kind):
        known = ", ".join(map(str, typing.get_args(kind)))
        raise MalformedError(f"unknown field {_join(where, key)}; the fields are {known}")
    return str(key)


def _scalar(kind: Any, value: Any, where: str, options: Options) -> Any:
    if kind is types.NoneType and value is None:
        return None
    if kind is float:
        return _number(value, where, options)
    # A bool is an int to Python, but not to a reader of the file.
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise _wrong_type(kind, value, where)


def _number(value: Any, where: str, options: Options) -> float:
    if value is None and options.null_as_nan:
        return math.nan
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric and not (options.text_numbers and isinstance(value, str)):
        raise _wrong_type(float, value, where)
    try:
        number = float(value)
    except ValueError:
        raise _wrong_type(float, value, where) from None
    except OverflowError:
        raise MalformedError(f"{where} must be a number of at most 1.8e308") from None
    if not math.isfinite(number):
        raise MalformedError(f"{where} must be a number that is finite, got {_short(value)}")
    return number


def _wrong_type(kind: Any, value: Any, where: str) -> MalformedError:
    expected = EXPECTED.get(kind, "null" if kind is types.NoneType else kind.__name__)
    return MalformedError(f"{where} must be {expected}, got {_short(value)}")


def _need_mapping(value: object, where: str) -> None:
    if not isinstance(value, Mapping):
        raise MalformedError(f"{where or 'it'} must hold named fields, got {_short(value)}")


def _join(where: str, name: object) -> str:
    key = str(name)[:LONGEST]
    key = key if key.isprintable() else ascii(key)
    return f"{where}.{key}" if where else key


def _short(value: object) -> str:
    """A value as a message shows it: on one line, cut short."""
    if value is None:
        return "null"
    return " ".join(_shortened.repr(value).split())
