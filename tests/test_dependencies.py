"""Licenses and known vulnerabilities of what is installed; see tools/licenses.py, audit_deps.py."""

import re
import tomllib
from importlib import metadata
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.root import ROOT
from tools import audit_deps
from tools.licenses import PAGE, PARTS, is_allowed, license_of

ROW = re.compile(r"\| ([a-z0-9-]+) \| (\S+) \| (.+) \| ([a-z, ]+) \| (yes)? ?\|")


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str, str, list[str], bool]]:
    """Name, version, license, parts, and whether pyproject.toml names it."""
    found = [ROW.fullmatch(line) for line in PAGE.read_text("utf-8").splitlines()]
    return [(m[1], m[2], m[3], m[4].split(", "), bool(m[5])) for m in found if m]


def named(part: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    texts = project["dependencies"]
    if part != "core":
        texts = project["optional-dependencies"][part]
    return {canonicalize_name(Requirement(text).name) for text in texts}


@pytest.mark.parametrize("part", PARTS)
def test_the_table_has_every_package_of_pyproject(rows, part):
    assert named(part) <= {name for name, _, _, parts, direct in rows if direct and part in parts}


def test_the_table_has_no_package_too_many(rows):
    assert {name for name, *_, direct in rows if direct} == set.union(*map(named, PARTS))
    assert [name for name, *_ in rows] == sorted({name for name, *_ in rows})


def test_every_license_is_known_and_allowed(rows):
    assert [name for name, _, license_, *_ in rows if not is_allowed(license_)] == []


def test_what_is_installed_here_has_the_license_of_the_table(rows):
    compared = 0
    for name, version, license_, *_ in rows:
        try:
            here = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if here.version.partition("+")[0] == version:
            assert license_of(here) == license_, name
            compared += 1
    pins = {line.strip() for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()}
    if f"numpy=={metadata.version('numpy')}" in pins:  # not on the lowest versions
        assert compared > 30


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("Apache-2.0 WITH LLVM-exception AND MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("unknown", False),
        ("AGPL-3.0", False),
    ],
)
def test_licenses_are_read_as_spdx(expression, allowed):
    assert is_allowed(expression) is allowed


GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNREAD = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("entries", "code", "words"),
    [
        ([GOOD], 0, "1 packages checked, 0 known"),
        ([GOOD, BAD], 1, r"b 2: CVE-1 \(fixed in 3\)"),
        ([GOOD, UNREAD], 3, "1 packages not checked: c"),
        ([BAD, UNREAD], 1, "not checked: c"),
        ([UNREAD, UNREAD], 2, "nothing was checked"),
        ([], 2, "nothing was checked"),
    ],
)
def test_what_was_not_looked_up_is_no_pass(entries, code, words):
    lines, exit_code = audit_deps.summary(entries)
    assert exit_code == code
    assert re.search(words, "\n".join(lines))


@pytest.mark.parametrize(
    ("stdout", "stderr", "words"),
    [
        ("", "x: No module named pip_audit\n", "pip install pip-audit"),
        ("", "Traceback\nConnectionError: no name", "nothing was checked"),
        ("{}", "", "nothing was checked"),
    ],
)
def test_an_audit_that_cannot_run_says_why(monkeypatch, stdout, stderr, words):
    done = SimpleNamespace(stdout=stdout, stderr=stderr)
    monkeypatch.setattr(audit_deps.subprocess, "run", lambda *_, **__: done)
    lines, code = audit_deps.audit([])
    assert code == 2
    assert words in " ".join(lines)
