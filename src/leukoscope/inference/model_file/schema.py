"""JSON text to frozen dataclasses and back: every key known, every type checked.

A model file comes from somebody else, so nothing about its card is taken on trust. The dataclasses
are the schema: their annotations say what JSON may hold, and a message names the field at fault.
"""

import dataclasses
import json
import math
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class MalformedError(ValueError):
    """The text doesn't hold what the dataclass declares; the message names the field."""


def parse_object(text: str, what: str) -> dict[str, Any]:
    """Read one JSON object.

    Args:
        text: JSON text.
        what: what the text is, for the message.

    Returns:
        The object, as a dictionary.

    Raises:
        MalformedError: for text that isn't JSON, repeats a key, nests too deeply, holds NaN or
            Infinity (which are not JSON), or is not an object.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        # Half of a surrogate pair is legal in JSON, but can be neither printed nor stored.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{what} is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise MalformedError(f"{what} must be a JSON object, got {_name(value)}")
    return value


def build(cls: type[T], value: object, where: str = "") -> T:
    """Make the dataclass `cls` from a parsed JSON object.

    Args:
        cls: a dataclass whose fields are annotated with `int`, `float`, `str`, `bool`, `X | None`,
            `tuple[X, ...]`, `Mapping[str, X]`, `Any` or other dataclasses. Fields with a default
            may be absent.
        value: what `json.loads` gave.
        where: dotted path of the value, for messages.

    Raises:
        MalformedError: for a missing or unknown key or a value of another type.
    """
    return _convert(cls, value, where)


def plain(value: object) -> Any:
    """The JSON form of a value that `build` makes: dataclasses to dicts, tuples to lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def _convert(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, where)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        (other,) = (option for option in get_args(kind) if option is not type(None))
        return _convert(other, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise MalformedError(f"{where} must be a list, got {_name(value)}")
        item = get_args(kind)[0]
        return tuple(_convert(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is Mapping:
        _need_object(value, where)
        item = get_args(kind)[1]
        return {key: _convert(item, v, _join(where, key)) for key, v in value.items()}
    return _scalar(kind, value, where)


def _dataclass(cls: Any, value: Any, where: str) -> Any:
    _need_object(value, where)
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in value:
        if key not in fields:
            raise MalformedError(f"unknown field {_join(where, key)}")
    arguments = {}
    for name, field in fields.items():
        if name in value:
            arguments[name] = _convert(hints[name], value[name], _join(where, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise MalformedError(f"missing field {_join(where, name)}")
    try:
        return cls(**arguments)
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError(f"{where}: {error}" if where else str(error)) from error


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is type(None):
        if value is not None:
            raise MalformedError(f"{where} must be null, got {_name(value)}")
        return None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError as error:
            raise MalformedError(f"{where} is too large for a number") from error
    # bool is an int to Python, never to a reader of the card.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise MalformedError(f"{where} must be of type {kind.__name__}, got {_name(value)}")
    if kind is float and not math.isfinite(value):
        raise MalformedError(f"{where} must be a finite number")
    return value


def _need_object(value: object, where: str) -> None:
    if not isinstance(value, dict):
        raise MalformedError(f"{where or 'it'} must be an object, got {_name(value)}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is given twice")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _join(where: str, name: str) -> str:
    return f"{where}.{name[:60]}" if where else name[:60]


def _name(value: object) -> str:
    return "null" if value is None else type(value).__name__
