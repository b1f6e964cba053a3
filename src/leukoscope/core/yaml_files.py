"""Reading YAML that a user has written, with one line that says what is wrong."""

from importlib.resources.abc import Traversable
from typing import Any

from leukoscope.core.errors import LeukoscopeError


def read_yaml(
    source: Traversable, named: str, error: type[LeukoscopeError] = LeukoscopeError
) -> Any:
    """What a YAML file holds; plain values alone, never objects.

    Args:
        source: A path, or a file of a package.
        named: As a message names it.
        error: What is raised.

    Raises:
        LeukoscopeError: It cannot be read, or is no YAML.
    """
    import yaml

    try:
        return yaml.safe_load(source.read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as problem:
        reason = " ".join(str(problem).split())
        raise error(f"{named}: cannot be read as YAML ({reason}).") from problem
