"""Write docs/licenses.md: the licenses of all packages that an installation brings.

    python tools/licenses.py            # writes the page
    python tools/licenses.py --check    # fails if a license is unknown or not among those allowed

The packages and their licenses are read from what is installed here, so the parts must be:
pip install -e '.[train,client,cluster,large,postgres,pandas,download,docs,mlflow,tensorboard]'.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Wanted = tuple[str, tuple[str, ...]]  # a package, and the extras of it

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
PAGE = Path(__file__).parents[1] / "docs" / "licenses.md"
# The core contains the app and its server (`leukoscope serve`).
PARTS = (
    "core",
    "train",
    "client",
    "cluster",
    "large",
    "postgres",
    "pandas",
    "download",
    "docs",
    "mlflow",
    "tensorboard",
)
# Of the classifiers and free texts of older packages, as SPDX names.
SPDX = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache-2.0 license": "Apache-2.0",
    "bsd": "BSD",
    "bsd license": "BSD",
    "bsd 2-clause license": "BSD-2-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
# Those under which every part may be used, changed and passed on, if its notices stay.
ALLOWED = frozenset(
    (
        *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0"),
        *("CNRI-Python", "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0"),
        *("Python-2.0", "Unlicense", "Zlib"),
    )
)
HEAD = """\
# Licenses of the dependencies

Leukoscope is under the Apache License 2.0. The table lists the packages that it needs, directly or
through others, with the license that each package states in its metadata. All of them may be used,
changed and distributed if their notices are kept. If you distribute a changed file of a package
under MPL-2.0, you must publish that file. `core` is `pip install leukoscope`, with the app and its
server; the other parts are extras. Wheels may contain further libraries, whose notices are in the
wheels.

`make licenses` writes this page from the installed packages, and a test compares it with
`pyproject.toml`. It was written on Linux with the versions in `constraints.txt`. On other systems a
few packages differ.

| package | version | license | needed by | direct |
|---|---|---|---|---|
"""


@dataclass
class Package:
    """One installed package: where it is needed, and whether pyproject.toml names it."""

    name: str
    version: str
    license: str
    parts: list[str] = field(default_factory=list)
    direct: bool = False


def packages() -> list[Package]:
    """Every package of every part, by name.

    Raises:
        metadata.PackageNotFoundError: One of them is not installed.
    """
    found: dict[str, Package] = {}
    for part in PARTS:
        direct = set(direct_requirements(part))
        waiting: list[Wanted] = list(direct)
        seen: set[Wanted] = set()
        while waiting:
            name, extras = waiting.pop()
            if (name, extras) in seen:
                continue
            seen.add((name, extras))
            if name not in found:
                one = metadata.distribution(name)
                version = one.version.partition("+")[0]  # the rest names a build, such as +cpu
                found[name] = Package(name, version, license_of(one))
            if part not in found[name].parts:
                found[name].parts.append(part)
            found[name].direct |= (name, extras) in direct
            for wanted in ("", *extras):
                waiting += _parsed(metadata.requires(name) or (), wanted)
    return sorted(found.values(), key=lambda package: package.name)


def direct_requirements(part: str) -> Iterator[Wanted]:
    """What pyproject.toml names for a part."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    is_core = part == "core"
    return _parsed(project["dependencies"] if is_core else project["optional-dependencies"][part])


def _parsed(requirements: Iterable[str], extra: str = "") -> Iterator[Wanted]:
    """The requirements that hold on this system, for an extra or without one."""
    for wanted in map(Requirement, requirements):
        if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
            yield canonicalize_name(wanted.name), tuple(sorted(wanted.extras))


def license_of(package: metadata.Distribution) -> str:
    """The license as an SPDX expression; "unknown" if the metadata does not state one."""
    said = package.metadata
    if said.get("License-Expression"):
        return str(said["License-Expression"])
    classified = [
        line.rpartition(" :: ")[2]
        for line in said.get_all("Classifier") or ()
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    ]
    free = str(said.get("License") or "").strip()
    short = free if 0 < len(free) < 60 and "\n" not in free else ""
    names = [SPDX.get(name.lower(), name) for name in classified or [short] if name]
    # A classifier says only "BSD"; the free text may say which.
    if names == ["BSD"] and SPDX.get(short.lower(), short).startswith("BSD"):
        names = [SPDX.get(short.lower(), short)]
    return " AND ".join(dict.fromkeys(names)) or "unknown"


def is_allowed(expression: str) -> bool:
    """Tell whether an SPDX expression leaves a choice in which every license is allowed."""
    choices = expression.replace("(", " ").replace(")", " ").split(" OR ")
    plain = [re.split(r" AND | WITH [\w.-]+", choice) for choice in choices]
    return any(all(name.strip() in ALLOWED for name in names if name.strip()) for names in plain)


def page(found: list[Package]) -> str:
    """The page."""
    rows = [
        f"| {one.name} | {one.version} | {one.license} | {', '.join(one.parts)} | "
        f"{'yes' if one.direct else ''} |"
        for one in found
    ]
    return HEAD + "\n".join(rows) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    found = packages()
    refused = [f"{one.name}: {one.license}" for one in found if not is_allowed(one.license)]
    if not check:
        PAGE.write_text(page(found), encoding="utf-8")
    print(*refused, sep="\n", end="\n" if refused else "")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
