"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

    python tools/lowest_versions.py train client > lowest.txt

The core's are always among them. `make lowest` installs and tests them.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)>=(?P<version>[0-9.]+)")


def lowest(extras: Sequence[str]) -> list[str]:
    """The lowest version of each package of the core and of some extras, as "name==version"."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    for extra in extras:
        requirements += project["optional-dependencies"][extra]
    matches = [REQUIREMENT.fullmatch(requirement) for requirement in requirements]
    return [f"{match['name']}=={match['version']}" for match in matches if match]


if __name__ == "__main__":
    print(*lowest(sys.argv[1:]), sep="\n")
