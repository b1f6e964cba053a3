"""The examples in README and docs: Python blocks run or at least fit the API, commands parse.

A Python block after `<!-- not run: REASON -->`, or on another page than those in `RUN`, is checked
without running it. What a `text` block below a block shows is compared with what that block prints.
"""

import ast
import contextlib
import inspect
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import typer

import leukoscope as ls
from leukoscope.cli.main import app
from tests.root import ROOT

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
RUN = ("README.md", "docs/api.md")
NUMBER = re.compile(r"-?\d+\.\d+")
TOLERANCE = 0.02
"""Of a printed number with decimals: other processors round differently."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    is_run: bool


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = (ROOT / page).read_text("utf-8")
    for found in re.finditer(r"(<!-- not run: .* -->\n)?^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        yield Block(found[2], found[3], found[1] is None)


def python_blocks(page: str) -> list[str]:
    """The Python of a page."""
    return [block.text for block in blocks(page) if block.language == "python"]


def command_lines(page: str) -> list[str]:
    """The calls of the command line in the blocks of a page, continued lines joined."""
    lines = []
    for block in blocks(page):
        if block.language in ("", "sh", "bash"):
            for line in block.text.replace("\\\n", " ").splitlines():
                if line.startswith("leukoscope "):
                    lines.append(line)
    return lines


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)])
def test_python_blocks_fit_the_api(page: str) -> None:
    for text in python_blocks(page):
        for node in ast.walk(compile(text, page, "exec", ast.PyCF_ONLY_AST)):
            if is_of_api(node):
                assert node.attr in dir(ls), ast.unparse(node)
            if isinstance(node, ast.Call) and is_of_api(node.func):
                keywords = {keyword.arg or "": None for keyword in node.keywords}
                function = getattr(ls, node.func.attr)
                assert inspect.signature(function).bind(*node.args, **keywords), ast.unparse(node)


def is_of_api(node: Any) -> bool:
    """True for `ls.NAME`."""
    is_name = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    return is_name and node.value.id == "ls"


@pytest.mark.slow(15)  # it trains a model
@pytest.mark.parametrize("page", RUN)
def test_python_blocks_run_and_print_what_the_page_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEUKOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    if page == "README.md":  # the other page draws its own
        ls.make_synthetic("cells", persons=2, cells=2)
    namespace: dict[str, Any] = {}
    printed = ""
    for block in blocks(page):
        if block.language == "python" and block.is_run:
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(block.text, page, "exec"), namespace)
            printed = out.getvalue()
        elif block.language == "text":
            assert_same(printed, block.text)


def assert_same(printed: str, shown: str) -> None:
    """Compare texts; numbers with decimals may differ a little, and spaces at the ends of lines."""
    without = [
        [NUMBER.sub("#", line).rstrip() for line in text.rstrip().splitlines()]
        for text in (printed, shown)
    ]
    assert without[0] == without[1]
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (printed, shown)]
    assert numbers[0] == pytest.approx(numbers[1], abs=TOLERANCE)


def test_every_name_is_on_the_page_of_the_api() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    missing = [name for name in ls.__all__ if f"`{name}`" not in page and f"ls.{name}" not in page]
    assert missing == ["__version__"]


@pytest.mark.parametrize("page", [page for page in PAGES if command_lines(page)])
def test_commands_parse(page: str) -> None:
    for line in command_lines(page):
        command: Any = typer.main.get_command(app)
        words = shlex.split(line, comments=True)[1:]
        while isinstance(command, click.Group) or hasattr(command, "commands"):
            assert words, line
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        try:
            command.make_context(command.name, words)
        except Exception as error:
            pytest.fail(f"{page}: {line}\n{error}")
