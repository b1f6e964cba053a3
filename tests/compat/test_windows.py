"""The commands that a core installation has run on a system without Unix's modules and signals.

It cannot show that Leukoscope runs on Windows, only that nothing it needs there is Unix's own.
"""

import ast
import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app.live import PATIENCE, until
from tests.compat.without_posix import MODULES
from tests.root import ROOT

pytestmark = pytest.mark.slow(7)

PACKAGE = ROOT / "src" / "leukoscope"
COMMAND = [sys.executable, str(ROOT / "tests" / "compat" / "without_posix.py")]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture(scope="module")
def cell() -> Path:
    return min((PACKAGE / "app" / "examples").glob("*_all.png"))


def test_the_modules_are_gone() -> None:
    code = "from tests.compat import without_posix; without_posix.block(); import fcntl"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "No module named 'fcntl'" in ended.stderr


def test_help_and_the_card_of_the_shipped_model() -> None:
    for arguments in (["--help"], ["model", "show"], ["recipes"]):
        ended = run(*arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout


def test_a_cell_is_predicted(cell: Path, tmp_path: Path) -> None:
    out = tmp_path / "predictions.csv"
    ended = run("predict", cell, "--out", out)
    assert ended.returncode == 0, ended.stderr
    with out.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["verdict"] == "blast"


def test_the_server_starts_answers_and_stops(cell: Path, tmp_path: Path) -> None:
    options = ["--port", "0", "--no-open", "--database", f"sqlite:///{tmp_path / 'cases.sqlite3'}"]
    errors = tmp_path / "stderr"
    with errors.open("w") as file:
        process = subprocess.Popen([*COMMAND, "serve", *options], stderr=file)
    try:
        until(lambda: "Ready." in errors.read_text() or process.poll() is not None)
        assert process.poll() is None, errors.read_text()
        url = errors.read_text().partition("Leukoscope is at ")[2].split()[0]
        with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client:
            case = client.post("/v1/cases", json={"name": "1"}).raise_for_status().json()
            sent = {"f": (cell.name, cell.read_bytes())}
            client.post(f"/v1/predict?case={case['id']}", files=sent).raise_for_status()
            (kept,) = client.get(f"/v1/cases/{case['id']}").raise_for_status().json()["cells"]
            assert kept["verdict"] == "blast"
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()


def test_no_import_of_a_unix_module_goes_unguarded() -> None:
    """A guarded import stands in a `try` block."""
    unguarded = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in _imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.partition(".")[0] in MODULES
    ]
    assert unguarded == []


def _imports(node: ast.AST) -> Iterator[str]:
    """The modules imported in a syntax tree outside of `try` blocks."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""
    elif not isinstance(node, ast.Try):
        for child in ast.iter_child_nodes(node):
            yield from _imports(child)
