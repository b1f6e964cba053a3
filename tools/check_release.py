"""Check that a release is consistent: python tools/check_release.py v0.2.0

The tag, the version, the newest section of the changelog with its date, and both citations agree.
It needs the standard library only.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECTION = re.compile(r"^## \[([^\]]+)\](?: - (.*))?$", re.M)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def problems(root: Path, tag: str | None = None) -> list[str]:
    """What disagrees, a line each.

    Args:
        root: The repository.
        tag: The tag to release; without one, the changelog needs no date yet.
    """

    def read(name: str) -> str:
        return (root / name).read_text("utf-8")

    def found(pattern: str, text: str) -> str:
        match = re.search(pattern, text, re.M)
        return match[1] if match else ""

    version = found(r'__version__ = "([^"]+)"', read("src/leukoscope/core/version.py"))
    title, when = SECTION.findall(read("CHANGELOG.md"))[0]
    said = {
        "CITATION.cff": found(r"^version: (\S+)$", read("CITATION.cff")),
        ".zenodo.json": json.loads(read(".zenodo.json"))["version"],
        "CHANGELOG.md": title,
    }
    lines = [
        f"{name} says {other or 'nothing'}; version.py says {version}"
        for name, other in said.items()
        if other != version
    ]
    if tag is not None and tag != f"v{version}":
        lines.append(f"the tag is {tag}; version.py says {version}, so it should be v{version}")
    if tag is not None and not DATE.fullmatch(when):
        lines.append(f"CHANGELOG.md: the section {title} has no date; write ## [{title}] - DATE")
    return lines


if __name__ == "__main__":
    found_problems = problems(ROOT, sys.argv[1] if len(sys.argv) > 1 else None)
    print(*found_problems or ["consistent"], sep="\n")
    sys.exit(bool(found_problems))
