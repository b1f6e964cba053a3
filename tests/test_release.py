"""A release is consistent, and its workflow does what the checklist says."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.root import ROOT
from tools.check_release import problems

FILES = ("src/leukoscope/core/version.py", "CITATION.cff", ".zenodo.json", "CHANGELOG.md")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_version_agrees_everywhere() -> None:
    assert problems(ROOT) == []


@pytest.mark.parametrize("name", FILES)
def test_a_version_that_differs_is_named(copy: Path, name: str) -> None:
    text = (copy / name).read_text("utf-8")
    version = json.loads((copy / ".zenodo.json").read_text("utf-8"))["version"]
    (copy / name).write_text(text.replace(version, "9.9.9", 1), "utf-8")
    assert problems(copy)


def test_a_tag_needs_its_version_and_a_date(copy: Path) -> None:
    changelog = copy / "CHANGELOG.md"
    version = json.loads((copy / ".zenodo.json").read_text("utf-8"))["version"]
    before, _, after = changelog.read_text("utf-8").partition(f"## [{version}]")
    rest = after.partition("\n")[2]
    changelog.write_text(f"{before}## [{version}] - unreleased\n{rest}", "utf-8")
    assert "date" in problems(copy, f"v{version}")[0]
    changelog.write_text(f"{before}## [{version}] - 2030-01-31\n{rest}", "utf-8")
    assert problems(copy, f"v{version}") == []
    assert "tag" in problems(copy, "v0.0.1")[0]


def test_the_workflow_publishes_tags_only_after_tests() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
    jobs = workflow["jobs"]
    assert {"lint", "test", "build", "publish", "container", "docs"} <= set(jobs)
    for name in ("publish", "pages"):
        assert "refs/tags/" in jobs[name]["if"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert workflow["permissions"] == {"contents": "read"}
    assert "build" in jobs["publish"]["needs"]
    assert {"lint", "test"} <= set(jobs["build"]["needs"])
    pythons = jobs["test"]["strategy"]["matrix"]["python"]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert all(f"Python :: {version}" in project for version in pythons)
