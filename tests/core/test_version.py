"""The version has one place; what must repeat it agrees."""

import tomllib

import yaml

import leukoscope
from leukoscope.core.version import __version__
from tests.root import ROOT


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert leukoscope.__version__ == citation["version"] == __version__
    assert project["project"]["dynamic"] == ["version"]
    assert (ROOT / project["tool"]["hatch"]["version"]["path"]).name == "version.py"
