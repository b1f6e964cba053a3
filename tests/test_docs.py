"""The examples in README and docs: Python blocks run, commands parse, figures have a command.

A Python block after `<!-- not run: REASON -->` is checked without running it. What a `text` block
below a block shows is compared with what that block prints.
"""

import ast
import contextlib
import inspect
import io
import logging
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import leukoscope as ls
from leukoscope.cli.main import app
from tests.root import ROOT

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
FIRST = ("docs/tutorial-predict.md", "docs/tutorial-train.md")  # others use what these write
GENERATED = re.compile(r"<!-- generated: (\w+) -->")
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


WITHOUT_ARGUMENTS = ("MissingParameter", "NoArgsIsHelpError")
"""Errors that the name of a command in running text may have."""
SUBSHELL = re.compile(r"\$\([^()]*\)")


def shell_lines(page: str) -> list[str]:
    """The lines of the blocks of a page for a shell, continued lines joined."""
    lines = []
    for block in blocks(page):
        if block.language in ("", "sh", "bash", "console"):
            lines += block.text.replace("\\\n", " ").splitlines()
    return lines


def inline_code(page: str) -> list[str]:
    """The code within the text of a page."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.M | re.S)
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)]


def words_of(line: str) -> list[str]:
    """A line as words, without a comment; none where it is not one for a shell."""
    try:
        return shlex.split(SUBSHELL.sub("VALUE", line), comments=True)
    except ValueError:
        return []


def calls(line: str) -> Iterator[list[str]]:
    """The calls of the command line in a line, as words after the name of the program."""
    words = words_of(line)
    for at, word in enumerate(words[:-1]):
        if word == "leukoscope" and (at == 0 or words[at - 1] in ("-m", "--")):
            ends = (n for n, one in enumerate(words) if n > at and one in ("|", ">", "&&", ";"))
            yield words[at + 1 : next(ends, len(words))]


def parse(words: list[str]) -> None:
    """Parse a call as the program does.

    Raises:
        Exception: It is not a valid call.
    """
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        given = [word for word in words if word not in ("-q", "-v")]
        if not given or given[0].startswith("--"):  # an option of the program itself
            known = {name for parameter in command.params for name in parameter.opts}
            assert set(given) <= {*known, "--help"}, given
            return
        command, words = command.commands[given[0]], given[1:]
    command.make_context(command.name, list(words))


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


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run examples in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEUKOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    log = logging.getLogger("leukoscope")
    monkeypatch.setattr(log, "setLevel", lambda _level: None)  # a page sets it
    return tmp_path


def test_the_example_of_the_readme_prints_what_it_shows(place: Path) -> None:
    ls.make_synthetic("cells", persons=2, cells=2)
    run_blocks("README.md")


@pytest.mark.docs
@pytest.mark.slow(20)  # a tutorial trains a model
def test_python_blocks_run_and_print_what_the_page_shows(place: Path) -> None:
    others = [page for page in PAGES if python_blocks(page) and page not in (*FIRST, "README.md")]
    for page in (*FIRST, *others):
        run_blocks(page)


def run_blocks(page: str) -> None:
    """Run the Python blocks of a page in order, and compare what they print."""
    namespace: dict[str, Any] = {}
    printed = ""
    for block in blocks(page):
        if block.language == "python" and block.is_run:
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(block.text, page, "exec"), namespace)
            printed = out.getvalue()
        elif block.language == "text" and printed:
            assert_same(printed, block.text)
            printed = ""


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


@pytest.mark.parametrize("page", PAGES)
def test_commands_parse(page: str) -> None:
    text = [(line, False) for line in shell_lines(page)]
    for line, is_inline in text + [(line, True) for line in inline_code(page)]:
        for words in calls(line):
            try:
                parse(words)
            except typer.Exit:
                pass  # of --help
            except Exception as error:
                if not (is_inline and type(error).__name__ in WITHOUT_ARGUMENTS):
                    pytest.fail(f"{page}: {line}\n{error!r}")


def test_scripts_targets_and_extras_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    for page in (*PAGES, "CONTRIBUTING.md"):
        for line in shell_lines(page) + inline_code(page):
            words = words_of(line)
            if words[:1] == ["make"]:
                for target in [word for word in words[1:] if re.fullmatch("[a-z-]+", word)]:
                    assert f"\n{target}:" in makefile, f"{page}: {line}"
            for script in re.findall(r"\bpython (?:-m )?((?:benchmarks|tools)[./][\w./]+)", line):
                path = script if script.endswith(".py") else script.replace(".", "/") + ".py"
                assert (ROOT / path).is_file(), f"{page}: {line}"
            for named in re.findall(r"(?:leukoscope|['\" ]\.)\[([\w,]+)\]", line):
                assert set(named.split(",")) <= extras, f"{page}: {line}"


def test_every_picture_has_its_command_and_a_page() -> None:
    commands = (ROOT / "docs" / "reproduce.md").read_text("utf-8")
    patterns = re.findall(r"`([\w*-]+\.png)`[^|]*\|[^|]*`", commands)
    shown = "".join((ROOT / page).read_text("utf-8") for page in PAGES)
    for path in (ROOT / "docs" / "images").iterdir():
        assert any(path.match(pattern) for pattern in patterns), path.name
        assert f"images/{path.name}" in shown, path.name


MEASURED = re.compile(r"^\|.*\d\.\d+.*\|$", re.M)
FROM_THE_MODEL = ("docs/checklist.md", "docs/model-card.md")  # written by `make cards`
WITH_NUMBERS = [page for page in PAGES if MEASURED.search((ROOT / page).read_text("utf-8"))]


@pytest.mark.parametrize("page", [page for page in WITH_NUMBERS if page not in FROM_THE_MODEL])
def test_a_page_with_measured_numbers_names_a_command(page: str) -> None:
    first = {
        words[0] for line in shell_lines(page) + inline_code(page) if (words := words_of(line))
    }
    assert first & {"leukoscope", "make", "python"}


def test_every_page_is_in_the_navigation() -> None:
    def pages(entry: Any) -> list[str]:
        below = entry.values() if isinstance(entry, dict) else entry
        return [entry] if isinstance(entry, str) else [one for part in below for one in pages(part)]

    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    found = pages(yaml.safe_load(text)["nav"])
    assert len(found) == len(set(found))
    own = {page for page in found if "/" not in page}  # notebooks/ is made by the build
    assert own == {path.name for path in (ROOT / "docs").glob("*.md")}


def test_links_lead_to_files() -> None:
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]+)?\)", text):
            path = (ROOT / page).parent / target
            assert path.exists() or target.startswith("notebooks/"), f"{page}: {target}"


def test_the_generated_reference_has_every_name_command_option_and_setting() -> None:
    from tools import reference_pages

    functions, commands = reference_pages.functions(), reference_pages.commands()
    for name in set(ls.__all__) - {"__version__"}:
        assert f"### `{name}`" in functions
    for words, command in reference_pages.all_commands():
        part = commands.partition(f"## `{words}`\n")[2].partition("\n## ")[0]
        for option in (name for parameter in command.params for name in parameter.opts):
            assert not option.startswith("-") or f"`{option}" in part, (words, option)
    settings = reference_pages.settings()
    wanted = {name for name in reference_pages.setting_names() if not name.startswith("stages")}
    assert {name for name in wanted if f"`{name}`" not in settings} == set()
    without = [line for line in settings.splitlines() if line.startswith("| `") and "|  |" in line]
    assert without == []  # each setting says what it is
    used = {name for page in PAGES for name in GENERATED.findall((ROOT / page).read_text("utf-8"))}
    assert used == set(reference_pages.PARTS)
