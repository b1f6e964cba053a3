"""Names that files of earlier versions use for a setting or a field, and what it is called now.

Readers of recipes, search spaces, model cards and evaluations map the old names, so that every file
written before stays valid. Nothing writes an old name.
"""

from collections.abc import Mapping
from typing import Any

RENAMED: Mapping[str, str] = {
    "colour": "color",
    "licence": "license",
    "neighbours": "neighbors",
    "off_centre": "off_center",
    "optimiser": "optimizer",
    "penalised": "penalized",
}
# Lists under these keys hold names themselves.
LISTS_OF_NAMES = frozenset(("names", "leave_out"))


def current_name(name: str) -> str:
    """The present form of a name, or of a dotted path of names."""
    return ".".join(RENAMED.get(part, part) for part in name.split("."))


def current_names(tree: Any) -> Any:
    """Parsed JSON or YAML with present names for keys, and for entries of lists of names."""
    if isinstance(tree, Mapping):
        return {_key(key): _value(key, value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [current_names(value) for value in tree]
    return tree


def _key(key: Any) -> Any:
    return current_name(key) if isinstance(key, str) else key


def _value(key: Any, value: Any) -> Any:
    if key in LISTS_OF_NAMES and isinstance(value, list | tuple):
        return [_key(entry) for entry in value]
    return current_names(value)
