"""Each claim of the threat model names code or a test that exists."""

import ast
import importlib.util
import re

import pytest

from tests.root import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for section in re.split(r"^## ", PAGE, flags=re.M)
    if section.startswith(("The server", "Files from others", "Model files"))
    for line in section.splitlines()
    if line.startswith("| ") and not line.startswith("| threat")
]


def exists(name: str) -> bool:
    """True for a test as PATH::NAME, or a module of the package."""
    path, _, test = name.partition("::")
    if not test:
        return importlib.util.find_spec(name) is not None
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == test for node in tree.body)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_claim_is_held_by_something(row):
    threat, bound, held = row
    assert threat
    assert bound
    names = re.findall(r"`([^`]+)`", held)
    assert names
    assert [name for name in names if not exists(name)] == []


def test_there_are_claims():
    assert len(ROWS) > 25
