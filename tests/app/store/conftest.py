from collections.abc import Iterator
from pathlib import Path

import pytest

from leukoscope.app.store import Store
from tests.app.store.made import open_store

KINDS = ["file", "memory", "postgresql"]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database of each kind."""
    if request.param == "memory":
        return "sqlite://"
    if request.param == "file":
        return f"sqlite:///{tmp_path / 'cases.sqlite3'}"
    return str(request.getfixturevalue("postgresql").emptied_database())


@pytest.fixture(params=["file", "postgresql"])
def lasting_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database of each kind that outlives its connections."""
    if request.param == "file":
        return f"sqlite:///{tmp_path / 'cases.sqlite3'}"
    return str(request.getfixturevalue("postgresql").emptied_database())


@pytest.fixture(params=["file", "postgresql"])
def untouched_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of each kind that nobody has opened yet."""
    if request.param == "file":
        return f"sqlite:///{tmp_path / 'cases.sqlite3'}"
    return str(request.getfixturevalue("postgresql").new_database())


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, empty store."""
    store = open_store(url)
    yield store
    store.close()
