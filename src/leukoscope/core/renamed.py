"""Names that files of earlier versions use for a setting or a field, and what it is called now.

Readers of recipes, search spaces, model cards and evaluations map the old names, so that every file
written before stays valid. No file that a person reads holds an old name. Only the keys that tell
runs and studies apart, and the parameters in a study's database, keep the first names, so that old
runs and studies go on.
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
    "renormalised": "renormalized",
    "unlabelled": "unlabeled",
}
FIRST: Mapping[str, str] = {new: old for old, new in RENAMED.items()}
# Lists under these keys hold names themselves.
LISTS_OF_NAMES = frozenset(("names", "leave_out"))


def current_name(name: str) -> str:
    """The present form of a name, or of a dotted path of names."""
    return _renamed(name, RENAMED)


def current_names(tree: Any) -> Any:
    """Parsed JSON or YAML with present names for keys, and for entries of lists of names."""
    return _with_names(tree, RENAMED)


def first_name(name: str) -> str:
    """The form of a name, or of a dotted path of names, in version 0.1.0."""
    return _renamed(name, FIRST)


def first_names(tree: Any) -> Any:
    """Settings with the names of version 0.1.0, to compute keys that do not change."""
    return _with_names(tree, FIRST)


def _with_names(tree: Any, names: Mapping[str, str]) -> Any:
    if isinstance(tree, Mapping):
        return {_key(key, names): _value(key, value, names) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_with_names(value, names) for value in tree]
    return tree


def _renamed(name: str, names: Mapping[str, str]) -> str:
    return ".".join(names.get(part, part) for part in name.split("."))


def _key(key: Any, names: Mapping[str, str]) -> Any:
    return _renamed(key, names) if isinstance(key, str) else key


def _value(key: Any, value: Any, names: Mapping[str, str]) -> Any:
    if key in LISTS_OF_NAMES and isinstance(value, list | tuple):
        return [_key(entry, names) for entry in value]
    return _with_names(value, names)
