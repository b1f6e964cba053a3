"""Every promise that docs/testing.md quotes stands in the README and names a test that exists."""

import re
from typing import Any

import typer

from leukoscope.cli.main import app
from tests.root import ROOT

ROW = re.compile(r"^\| (.+?) \| (`.+`|by hand: .+) \|$", re.M)
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
# Commands whose result is files, a server or a question alone.
WITHOUT_REPORT = {
    *("app", "demo", "explain", "serve", "preview"),
    *("data download", "data synthesize", "data synthesise"),
    *("model card", "model checklist"),
}


def plain(text: str) -> str:
    """Text on one line without Markdown's links, bold type and bullets."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("**", "")
    return " ".join(text.split())


def promises() -> list[tuple[str, str]]:
    page = (ROOT / "docs" / "testing.md").read_text("utf-8")
    return ROW.findall(page.partition("## The promises of the README")[2])


def test_every_promise_stands_in_the_readme() -> None:
    readme = plain((ROOT / "README.md").read_text("utf-8"))
    assert [promise for promise, _ in promises() if plain(promise) not in readme] == []
    assert len(promises()) > 25


def test_every_test_that_holds_a_promise_exists() -> None:
    missing = []
    for promise, held in promises():
        named = NAMED.findall(held)
        assert named or held.startswith("by hand: "), promise
        for file, name in named:
            path = ROOT / "tests" / file
            if not path.is_file() or f"def {name}(" not in path.read_text("utf-8"):
                missing.append(f"{file}::{name}")
    assert missing == []


def test_commands_that_report_take_json() -> None:
    def without(command: Any, path: str = "") -> set[str]:
        below = getattr(command, "commands", {})
        if below:
            return set().union(*(without(one, f"{path} {name}") for name, one in below.items()))
        has = any("--json" in parameter.opts for parameter in command.params)
        return set() if has else {path.strip()}

    assert without(typer.main.get_command(app)) <= WITHOUT_REPORT
