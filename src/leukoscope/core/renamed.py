"""Names that files of earlier versions use for a setting or a field, and the current ones.

Readers of recipes, search spaces, model cards and evaluations map the old names, so that every file
written before stays valid. No file that a person reads holds an old name. Only the keys that tell
runs and studies apart, and the parameters in a study's database, keep the first names, so that old
runs and studies continue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Lists under these keys hold names themselves.
LISTS_OF_NAMES = frozenset(("names", "leave_out"))


@dataclass(frozen=True)
class Renaming:
    """A change of names and values in trees of settings.

    Attributes:
        names: New names by old ones, wherever they occur.
        paths: New dotted paths by old ones, for names that change in one group only.
        values: New values by old ones, for each setting by its current dotted path.
    """

    names: Mapping[str, str]
    paths: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]

    def inverse(self) -> "Renaming":
        """The change back."""
        values = {path: _inverse(changes) for path, changes in self.values.items()}
        return Renaming(_inverse(self.names), _inverse(self.paths), values)

    def name(self, name: str) -> str:
        """The new form of a name, or of a dotted path of names."""
        path = ".".join(self.names.get(part, part) for part in name.split("."))
        return self.paths.get(path, path)

    def value(self, path: str, value: Any) -> Any:
        """The new form of the value of a setting, or of each value in a list.

        Args:
            path: Current or first dotted path of the setting.
            value: A value, or a list of values.
        """
        changes = self.values.get(path) or self.values.get(self.name(path))
        if changes is None:
            return value
        if isinstance(value, list | tuple):
            return [self.value(path, entry) for entry in value]
        return changes.get(value, value) if isinstance(value, str) else value

    def tree(self, tree: Any, group: str = "") -> Any:
        """Parsed JSON or YAML with new names for keys, for values, and in lists of names.

        Args:
            tree: Dicts, lists and scalars.
            group: Key above the tree.
        """
        if isinstance(tree, Mapping):
            return dict(self._entry(key, value, group) for key, value in tree.items())
        if isinstance(tree, list | tuple):
            return [self.tree(value) for value in tree]
        return tree

    def _entry(self, key: Any, value: Any, group: str) -> tuple[Any, Any]:
        if not isinstance(key, str):
            return key, self.tree(value)
        if key in LISTS_OF_NAMES and isinstance(value, list | tuple):
            return self.name(key), [self.name(n) if isinstance(n, str) else n for n in value]
        if "." in key:  # not a setting of a group, such as the name of a package
            return self.name(key), self.tree(self.value(key, value), key)
        path = f"{group}.{key}" if group else key
        return self.name(path).rpartition(".")[2], self.tree(self.value(path, value), key)


def _inverse(changes: Mapping[str, str]) -> dict[str, str]:
    return {new: old for old, new in changes.items()}


TO_CURRENT = Renaming(
    names={
        "colour": "color",
        "halving": "downsampling",
        "licence": "license",
        "neighbours": "neighbors",
        "off_centre": "off_center",
        "optimiser": "optimizer",
        "penalised": "penalized",
        "renormalised": "renormalized",
        "unlabelled": "unlabeled",
    },
    paths={"classical.weights": "classical.balance"},
    values={"classical.balance": {"cell": "none"}},
)
TO_FIRST = TO_CURRENT.inverse()


def current_name(name: str) -> str:
    """The present form of a name, or of a dotted path of names."""
    return TO_CURRENT.name(name)


def current_value(name: str, value: Any) -> Any:
    """The present form of the value of a setting, given its dotted path, or of a list of values."""
    return TO_CURRENT.value(name, value)


def current_names(tree: Any) -> Any:
    """Parsed JSON or YAML with present names and values."""
    return TO_CURRENT.tree(tree)


def first_name(name: str) -> str:
    """The form of a name, or of a dotted path of names, in version 0.1.0."""
    return TO_FIRST.name(name)


def first_value(name: str, value: Any) -> Any:
    """The form of a value of a setting, given its present dotted path, in version 0.1.0."""
    return TO_FIRST.value(name, value)


def first_names(tree: Any) -> Any:
    """Settings with the names and values of version 0.1.0, to compute keys that do not change."""
    return TO_FIRST.tree(tree)
