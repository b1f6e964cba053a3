"""Reading YAML that a user has written, with one line that says what is wrong."""

from importlib.resources.abc import Traversable
from typing import Any

from leukoscope.core.errors import LeukoscopeError


def read_yaml(
    source: Traversable, named: str, error: type[LeukoscopeError] = LeukoscopeError
) -> Any:
    """Read a YAML file of plain values; objects and repeated keys are refused.

    Args:
        source: A path, or a file of a package.
        named: The file's name in a message.
        error: The type of error to raise.

    Raises:
        LeukoscopeError: The file cannot be read, or is not valid YAML.
    """
    import yaml

    try:
        return _load(source.read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as problem:
        reason = " ".join(str(problem).split())
        raise error(f"{named}: cannot be read as YAML ({reason}).") from problem


def _load(text: str) -> Any:
    """Parse YAML; PyYAML alone would silently take the last of two equal keys."""
    import yaml

    class UniqueKeys(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    continue  # refused by the safe loader itself
                if (key.tag, key.value) in seen:
                    line = key.start_mark.line + 1
                    raise yaml.YAMLError(f"line {line}: the key {key.value!r} occurs twice")
                seen.add((key.tag, key.value))
            return super().construct_mapping(node, deep)

    return yaml.load(text, UniqueKeys)  # a SafeLoader
